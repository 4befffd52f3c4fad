// Framing of the gdb protocol: checksums worked out by hand, escapes, run lengths, and any split of the stream.
import fc from 'fast-check'
import { framePacket, fromHex, type GdbEvent, GdbPacketReader, toHex } from '../../src/debug/gdb-packets.js'

const bytes = (text: string) => Uint8Array.from(text, character => character.charCodeAt(0))
const events = (text: string) => new GdbPacketReader().push(bytes(text)).map(describeEvent)
const describeEvent = (event: GdbEvent) =>
  event.kind === 'packet' ? `packet ${String.fromCharCode(...event.data)}` : event.kind

test.each([
  ['', '$#00'],
  ['OK', '$OK#9a'],
  ['}*#$', '$}]}\n}\x03}\x04#62'],
])('%j is framed as %j', (data, framed) => expect(String.fromCharCode(...framePacket(data))).toBe(framed))

test.each([
  ['$OK#9a', ['packet OK']],
  ['+$g#67-', ['acknowledged', 'packet g', 'refused']],
  ['\x03', ['interrupt']],
  ['$OK#9b', ['damaged']],
  ['$OK#zz', ['damaged']],
  ['$a}#de', ['damaged']],
  ['rubbish$?#3f', ['packet ?']],
  ['$half$?#3f', ['packet ?']],
  ['$0* #7a', ['packet 0000']],
  ['$*x#a2', ['damaged']],
])('%j contains %j', (text, expected) => expect(events(text)).toEqual(expected))

test('a packet of any bytes survives, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat(400), { maxLength: 6 }), (data, cuts) => {
      const stream = framePacket(data)
      const reader = new GdbPacketReader()
      const ends = [...cuts.map(cut => Math.min(cut, stream.length)), stream.length].sort((a, b) => a - b)
      let start = 0
      const seen = ends.flatMap(end => {
        const part = stream.subarray(start, end)
        start = end
        return reader.push(part)
      })
      expect(seen).toEqual([{ kind: 'packet', data }])
    }),
  )
})

test('any bytes at all do no harm', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), noise => {
      const reader = new GdbPacketReader()
      reader.push(noise)
      reader.push(bytes('#00#00'))
      expect(reader.push(bytes('$?#3f')).map(describeEvent)).toEqual(['packet ?'])
    }),
  )
})

test('hexadecimal', () => {
  expect(toHex(Uint8Array.of(0, 0xab, 9))).toBe('00ab09')
  expect(fromHex('00aB09')).toEqual(Uint8Array.of(0, 0xab, 9))
  expect([fromHex('0'), fromHex('0g')]).toEqual([undefined, undefined])
})
