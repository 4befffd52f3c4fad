// The page of 128 stubs through which a guest makes hypercalls: MOV EAX, n; INT 0x82; RET, 32 bytes each. That of iret does
// not return, so it saves EAX on the stack instead.

const STUBS = 128
const STUB_BYTES = 32
const IRET = 23
const BREAKPOINT = 0xcc

/** The bytes of the page. */
export function hypercallPage(): Uint8Array {
  const page = new Uint8Array(STUBS * STUB_BYTES).fill(BREAKPOINT)
  for (let n = 0; n < STUBS; n++) {
    const call = [0xb8, n, 0, 0, 0, 0xcd, 0x82]
    page.set(n === IRET ? [0x50, ...call] : [...call, 0xc3], n * STUB_BYTES)
  }
  return page
}
