import type { Server } from 'node:http'
import { readListenAddress } from '../config/listen-address.ts'

export type ListenResult = { ok: true; address: string; port: number } | { ok: false; message: string }

/** Opens the port at an `http.address`, in any of its forms. */
export function listen(server: Server, host: string, port: number): Promise<ListenResult> {
  const bare = readListenAddress(host)?.listen ?? host
  const shown = `${bare.includes(':') ? `[${bare}]` : bare}:${port}`
  return new Promise(resolve => {
    // Stays: later errors are about one connection (no file was left for it), and no reason to end.
    server.on('error', (error: NodeJS.ErrnoException) => {
      const why = reasons[error.code ?? ''] ?? error.message
      resolve({ ok: false, message: `cannot listen on ${shown}: ${why}` })
    })
    // The backlog the system allows: many clients may wait for a restart to end.
    server.listen({ host: bare, port, backlog: 1024 }, () => {
      const address = server.address()
      const actual = typeof address === 'object' && address !== null ? address.port : port
      resolve({ ok: true, address: bare, port: actual })
    })
  })
}

const reasons: Record<string, string> = {
  EADDRINUSE: 'the address is already in use',
  EACCES: 'this port needs more rights than this process has',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the name has no address',
}
