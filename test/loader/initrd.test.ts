// What passes as an initrd, and that damage is found; archives made by cpio(1) where it is installed.
import { execFileSync, spawnSync } from 'node:child_process'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { checkInitrd } from '../../src/loader/initrd.js'
import { LoadError } from '../../src/loader/load-error.js'
import { cpio } from './boot-files.js'

const archive = cpio([
  ['init', '#!/bin/sh\n'],
  ['data', 'x'.repeat(3000)],
])
const packed = gzipSync(archive)
const check = (bytes: Uint8Array) => () => checkInitrd('initrd', bytes)
const join = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))

test.each([
  ['a cpio archive', archive],
  ['two, with padding between', join(archive, new Uint8Array(512), archive)],
  ['a gzipped one', packed],
  ['a plain one before a gzipped one', join(archive, packed)],
  ['an xz file', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0)],
  ['a zstd file', Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0)],
])('%s passes', (_, bytes) => expect(check(bytes)).not.toThrow())

test.each([
  ['nothing', new Uint8Array(0), 'initrd at offset 0x0: the initrd is empty'],
  ['text', Buffer.from('hello'), 'initrd at offset 0x0: neither a cpio archive nor a compression'],
  [
    'rubbish behind an archive',
    join(archive, Buffer.from('hello')),
    `at offset 0x${archive.length.toString(16)}: neither a cpio`,
  ],
  ['gzipped text', gzipSync('hello'), 'initrd at offset 0x0: the unpacked data is neither'],
  [
    'a gzipped half archive',
    gzipSync(archive.slice(0, 2000)),
    'initrd at offset 0x0: truncated: a cpio member ends at',
  ],
])('%s does not', (_, bytes, message) => expect(check(bytes)).toThrow(message))

test('an archive cut short anywhere is found', () => {
  fc.assert(
    fc.property(fc.nat(archive.length - 5), length => expect(check(archive.slice(0, length))).toThrow(LoadError)),
  )
})

test('gzip data cut short is found, and so is any change that alters what it unpacks to', () => {
  fc.assert(fc.property(fc.nat(packed.length - 1), length => expect(check(packed.slice(0, length))).toThrow(LoadError)))
  fc.assert(
    fc.property(fc.integer({ min: 10, max: packed.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const copy = new Uint8Array(packed)
      copy[at]! ^= flip
      try {
        checkInitrd('initrd', copy)
        expect(gunzipSync(copy).equals(archive)).toBe(true)
      } catch (error) {
        expect(error).toBeInstanceOf(LoadError)
      }
    }),
  )
})

const haveCpio = spawnSync('cpio', ['--version']).status === 0
if (!haveCpio) process.stderr.write('skipped: cpio is not installed; "npm run setup" installs it\n')
;(haveCpio ? test : test.skip)('the archives of cpio(1) pass', () => {
  const made = execFileSync('cpio', ['-o', '-H', 'newc', '--quiet'], {
    input: 'package.json\ntsconfig.json\n',
    cwd: new URL('../..', import.meta.url).pathname,
  })
  expect(check(made)).not.toThrow()
  expect(check(made.subarray(0, 600))).toThrow(LoadError)
})
