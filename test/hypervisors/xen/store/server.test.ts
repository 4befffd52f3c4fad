// xenstore by its wire protocol (docs/misc/xenstore.txt): values, directories, errors, watches, transactions.

import fc from 'fast-check'
import { initialTree } from '../../../../hypervisors/xen/store/initial-tree.js'
import { ERROR, type StoreMessage, StoreServer, WATCH_EVENT } from '../../../../hypervisors/xen/store/server.js'

const DIRECTORY = 1
const READ = 2
const GET_PERMS = 3
const WATCH = 4
const UNWATCH = 5
const START = 6
const END = 7
const DOMAIN_PATH = 10
const WRITE = 11
const MKDIR = 12
const RM = 13
const SET_PERMS = 14

const facts = { memoryKilobytes: 65536, storeFrame: 1, storePort: 1, consoleFrame: 2, consolePort: 2 }

function store() {
  const sent: StoreMessage[] = []
  const server = new StoreServer(initialTree({ domain: 1, name: 'x', ...facts }), 1, message => sent.push(message))
  let request = 0
  /** The answers to a request, as type and text. */
  const ask = (type: number, payload: string, transaction = 0): (readonly [number, string])[] => {
    sent.length = 0
    server.request({ type, request: ++request, transaction, payload: Buffer.from(payload) })
    expect(sent[0]).toMatchObject({ request, transaction })
    return sent.map(message => [message.type, Buffer.from(message.payload).toString()] as const)
  }
  return { server, ask, sent }
}

test('reads, by absolute and by relative path, and what is missing', () => {
  const { ask } = store()
  expect(ask(READ, '/local/domain/1/domid\0')).toEqual([[READ, '1']])
  expect(ask(READ, 'memory/target\0')).toEqual([[READ, '65536']])
  expect(ask(READ, 'nothing\0')).toEqual([[ERROR, 'ENOENT\0']])
  expect(ask(READ, 'bad path\0')).toEqual([[ERROR, 'EINVAL\0']])
  expect(ask(DOMAIN_PATH, '1\0')).toEqual([[DOMAIN_PATH, '/local/domain/1\0']])
  expect(ask(99, '')).toEqual([[ERROR, 'ENOSYS\0']])
})

// By libxl__domain_make() of Xen's tools/libs/light/libxl_create.c.
test('a domain finds what it may write', () => {
  const { ask } = store()
  const own = ['data', 'drivers', 'feature', 'attr', 'error', 'device/suspend/event-channel', 'control/shutdown']
  for (const path of [...own, 'control/feature-poweroff', 'control/feature-suspend', 'control/sysrq'])
    expect(ask(GET_PERMS, `${path}\0`)).toEqual([[GET_PERMS, 'n1\0']])
  expect(ask(READ, 'control/platform-feature-xs_reset_watches\0')).toEqual([[READ, '1']])
})

test('writes below its home and nowhere else', () => {
  const { ask } = store()
  expect(ask(WRITE, 'data/a\0one\0two')).toEqual([[WRITE, 'OK\0']])
  expect(ask(READ, 'data/a\0')).toEqual([[READ, 'one\0two']])
  expect(ask(MKDIR, 'data/b\0')).toEqual([[MKDIR, 'OK\0']])
  expect(ask(DIRECTORY, 'data\0')).toEqual([[DIRECTORY, 'a\0b\0']])
  expect(ask(RM, 'data/a\0')).toEqual([[RM, 'OK\0']])
  expect(ask(DIRECTORY, 'data\0')).toEqual([[DIRECTORY, 'b\0']])
  expect(ask(RM, 'no/such/place\0')).toEqual([[ERROR, 'ENOENT\0']])
  expect(ask(WRITE, '/local/domain/0/x\0y')).toEqual([[ERROR, 'EACCES\0']])
  expect(ask(SET_PERMS, 'data/b\0n1\0r0\0')).toEqual([[SET_PERMS, 'OK\0']])
  expect(ask(GET_PERMS, 'data/b\0')).toEqual([[GET_PERMS, 'n1\0r0\0']])
})

test('a watch fires at once, and for each change below it', () => {
  const { ask, server, sent } = store()
  expect(ask(WATCH, 'control/shutdown\0token\0')).toEqual([
    [WATCH, 'OK\0'],
    [WATCH_EVENT, 'control/shutdown\0token\0'],
  ])
  expect(ask(WATCH, 'control/shutdown\0token\0')).toEqual([[ERROR, 'EEXIST\0']])
  sent.length = 0
  server.write('/local/domain/1/control/shutdown', 'poweroff')
  expect(sent.map(({ payload }) => Buffer.from(payload).toString())).toEqual(['control/shutdown\0token\0'])
  ask(WATCH, 'device\0d\0')
  expect(ask(WRITE, 'device/vif/0/state\x001')).toEqual([
    [WRITE, 'OK\0'],
    [WATCH_EVENT, 'device/vif/0/state\0d\0'],
  ])
  expect(ask(UNWATCH, 'device\0d\0')).toEqual([[UNWATCH, 'OK\0']])
  expect(ask(WRITE, 'device/vif/0/state\x002')).toEqual([[WRITE, 'OK\0']])
})

test('a transaction is seen by nobody until it ends, and ends only if nothing has changed', () => {
  const { ask, server } = store()
  expect(ask(START, '\0')).toEqual([[START, '1\0']])
  expect(ask(WRITE, 'data/t\0x', 1)).toEqual([[WRITE, 'OK\0']])
  expect(ask(READ, 'data/t\0')).toEqual([[ERROR, 'ENOENT\0']])
  expect(ask(READ, 'data/t\0', 1)).toEqual([[READ, 'x']])
  expect(ask(END, 'T\0', 1)).toEqual([[END, 'OK\0']])
  expect(ask(READ, 'data/t\0')).toEqual([[READ, 'x']])
  ask(START, '\0')
  ask(WRITE, 'data/t\0y', 2)
  server.write('/local/domain/1/data/other', 'z')
  expect(ask(END, 'T\0', 2)).toEqual([[ERROR, 'EAGAIN\0']])
  expect(ask(READ, 'data/t\0')).toEqual([[READ, 'x']])
  ask(START, '\0')
  ask(RM, 'data/t\0', 3)
  expect(ask(END, 'F\0', 3)).toEqual([[END, 'OK\0']])
  expect(ask(READ, 'data/t\0')).toEqual([[READ, 'x']])
  expect(ask(READ, 'data/t\0', 9)).toEqual([[ERROR, 'ENOENT\0']])
})

test('whatever is asked is answered once, with the same numbers', () => {
  const word = fc.oneof(
    fc.constantFrom('data', 'data/a', '/local/domain/1/data', '/', '//', '@x', '..', 'T', 'F', '1', '', 'device/vif/0'),
    fc.string({ maxLength: 12 }),
  )
  const request = fc.record({
    type: fc.integer({ min: 0, max: 24 }),
    transaction: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 4 })),
    words: fc.array(word, { maxLength: 4 }),
    ends: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(request, { maxLength: 30 }), requests => {
      const { server, sent } = store()
      requests.forEach(({ type, transaction, words, ends }, i) => {
        sent.length = 0
        const payload = Buffer.from(words.join('\0') + (ends ? '\0' : ''))
        server.request({ type, request: i, transaction, payload })
        const answers = sent.filter(message => message.type !== WATCH_EVENT)
        expect(answers).toHaveLength(1)
        expect(answers[0]).toMatchObject({ request: i, transaction })
        expect([ERROR, type]).toContain(answers[0]!.type)
      })
    }),
    { numRuns: 300, seed: Number(process.env.SEED ?? 1) },
  )
})
