// The cache of built things: built once, by builders at the same time too; nothing half-built is left behind.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cacheFolder, digestOf, publish } from '../../images/cache.js'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cache-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a thing is built once', async () => {
  let builds = 0
  const build = async (into: string) => {
    builds++
    writeFileSync(join(into, 'file'), 'contents')
  }
  const path = join(folder, 'thing')
  expect(await publish(path, build)).toBe(path)
  await publish(path, build)
  expect(builds).toBe(1)
  expect(readFileSync(join(path, 'file'), 'utf8')).toBe('contents')
  expect(readdirSync(folder)).toEqual(['thing'])
})

test('a build that fails leaves nothing', async () => {
  const failing = publish(join(folder, 'thing'), async into => {
    writeFileSync(join(into, 'half'), '')
    throw new Error('the compiler failed')
  })
  await expect(failing).rejects.toThrow('the compiler failed')
  expect(readdirSync(folder)).toEqual([])
})

test('two builders at the same time build once', async () => {
  let builds = 0
  const build = async () => {
    builds++
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  await Promise.all([publish(join(folder, 'thing'), build), publish(join(folder, 'thing'), build)])
  expect(builds).toBe(1)
})

test('what a killed builder left behind is cleared away', async () => {
  const deadPid = 2 ** 22 + 1
  mkdirSync(join(folder, `thing.tmp-${deadPid}`))
  writeFileSync(join(folder, 'thing.lock'), String(deadPid))
  await publish(join(folder, 'thing'), async () => {})
  expect(readdirSync(folder)).toEqual(['thing'])
  expect(existsSync(join(folder, 'thing'))).toBe(true)
})

test('a cache that cannot be made is an error with its remedy', () => {
  const before = process.env.XDG_CACHE_HOME
  writeFileSync(join(folder, 'file'), '')
  process.env.XDG_CACHE_HOME = join(folder, 'file')
  try {
    expect(() => cacheFolder('images')).toThrow(/file.previrt.images: cannot be made \(ENOTDIR\); set XDG_CACHE_HOME/)
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME
    else process.env.XDG_CACHE_HOME = before
  }
})

test('digests tell lists apart whose joined text is the same', () => {
  expect(digestOf(['ab', 'c'])).not.toBe(digestOf(['a', 'bc']))
  expect(digestOf(['ab', 'c'])).toBe(digestOf([Buffer.from('ab'), 'c']))
})
