// A DHCP server with one address to give (RFC 2131, 2132): whoever asks gets it, so that every run is the same. Works on
// the message that UDP carries. Left out: options beyond mask, router, name server and lease; relays; releases are of no consequence.

/** The network that is offered; addresses are four bytes. */
export interface Lease {
  readonly server: Uint8Array
  readonly client: Uint8Array
  readonly mask: Uint8Array
}

export const DHCP_SERVER_PORT = 67
export const DHCP_CLIENT_PORT = 68

const REQUEST = 1
const REPLY = 2
const ETHERNET = 1
const STATION_BYTES = 6
// Places in a message.
const SECONDS = 8
const CLIENT_ADDRESS = 12
const YOUR_ADDRESS = 16
const NEXT_SERVER = 20
const HARDWARE_END = 44
const COOKIE = 236
const OPTIONS = 240
const COOKIE_BYTES = [99, 130, 83, 99]
// Numbers of options; the first and the last are a single byte.
const PAD = 0
const MASK = 1
const ROUTER = 3
const NAME_SERVER = 6
const WANTED_ADDRESS = 50
const LEASE_SECONDS = 51
const MESSAGE_TYPE = 53
const SERVER = 54
const END = 255
// Types of messages.
const DISCOVER = 1
const OFFER = 2
const REQUEST_LEASE = 3
const ACKNOWLEDGE = 5
const REFUSE = 6
const INFORM = 8
const NO_ADDRESS = Uint8Array.of(0, 0, 0, 0)
const DAY_SECONDS = [0, 1, 0x51, 0x80]
/** BOOTP clients take no shorter message (RFC 1542, 2.1). */
const SHORTEST_MESSAGE = 300

type Option = readonly [number: number, value: ArrayLike<number>]

/** The server's answer to a message; undefined where it has none. */
export function dhcpAnswer(message: Uint8Array, lease: Lease): Uint8Array | undefined {
  const isRequest = message[0] === REQUEST && message[1] === ETHERNET && message[2] === STATION_BYTES
  if (message.length < OPTIONS || !isRequest || !COOKIE_BYTES.every((byte, i) => message[COOKIE + i] === byte)) return
  const options = readOptions(message)
  const server = options.get(SERVER)
  const type = options.get(MESSAGE_TYPE)?.[0]
  if (server !== undefined && !isSame(server, lease.server)) return
  const network: Option[] = [
    [MASK, lease.mask],
    [ROUTER, lease.server],
    [NAME_SERVER, lease.server],
  ]
  if (type === INFORM) return compose(message, ACKNOWLEDGE, lease.server, NO_ADDRESS, network)
  const whole: Option[] = [[LEASE_SECONDS, DAY_SECONDS], ...network]
  if (type === DISCOVER) return compose(message, OFFER, lease.server, lease.client, whole)
  if (type !== REQUEST_LEASE) return
  const wanted = options.get(WANTED_ADDRESS) ?? message.subarray(CLIENT_ADDRESS, CLIENT_ADDRESS + 4)
  if (!isSame(wanted, lease.client)) return compose(message, REFUSE, lease.server, NO_ADDRESS, [])
  return compose(message, ACKNOWLEDGE, lease.server, lease.client, whole)
}

/** Values by number of option; what does not fit into the message ends the list. */
function readOptions(message: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>()
  for (let at = OPTIONS; at + 1 < message.length && message[at] !== END; ) {
    const [number, bytes] = [message[at]!, message[at + 1]!]
    if (number === PAD) {
      at++
      continue
    }
    found.set(number, message.subarray(at + 2, at + 2 + bytes))
    at += 2 + bytes
  }
  return found
}

function compose(
  message: Uint8Array,
  type: number,
  server: Uint8Array,
  client: Uint8Array,
  more: readonly Option[],
): Uint8Array {
  const answer = new Uint8Array(SHORTEST_MESSAGE)
  answer.set(message.subarray(0, HARDWARE_END))
  answer[0] = REPLY
  answer.fill(0, SECONDS, SECONDS + 2)
  answer.set(client, YOUR_ADDRESS)
  answer.set(NO_ADDRESS, NEXT_SERVER)
  answer.set(COOKIE_BYTES, COOKIE)
  const options: Option[] = [[MESSAGE_TYPE, [type]], [SERVER, server], ...more]
  answer.set([...options.flatMap(([number, value]) => [number, value.length, ...Array.from(value)]), END], OPTIONS)
  return answer
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
