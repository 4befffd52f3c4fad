// The TCP transport of the gdb server. It listens on the loopback interface only: the protocol has no authentication
// and gives whoever speaks it the whole guest. One debugger at a time.
import { createServer, type Server, type Socket } from 'node:net'
import type { DebugTarget } from '../debug/debug-target.js'
import { GdbServer } from '../debug/gdb-server.js'

/** A listening gdb server. */
export interface GdbListener {
  readonly port: number
  /** Ends the connection and stops listening. */
  close(): void
}

/**
 * Listens for gdb on 127.0.0.1.
 * @param port 1 to 65535, or 0 for one that is free
 * @param onConnect called when a debugger has come; the guest is to stand still from then on
 * @throws if the port is in use
 */
export async function listenForGdb(
  target: DebugTarget,
  port: number,
  onConnect: () => void = () => {},
): Promise<GdbListener> {
  let current: Socket | undefined
  const server = createServer(socket => {
    if (current) {
      socket.destroy()
      return
    }
    current = socket
    socket.setNoDelay(true)
    const session = new GdbServer(
      target,
      bytes => socket.write(bytes),
      () => socket.end(),
    )
    socket.on('data', bytes => session.receive(bytes))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      current = undefined
      session.disconnected()
    })
    onConnect()
  })
  await listening(server, port)
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : port,
    close: () => {
      current?.destroySoon()
      server.close()
    },
  }
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject)
      resolve()
    })
  })
}
