import { createServer } from 'node:net'
import type { ProcessTable } from '../platform/process-table.ts'
import type { Finding, Place } from './state.ts'

/** An IPv6 address without its brackets. */
export const bare = (host: string) => host.replace(/^\[|\]$/g, '')

/** Whether the engine could listen there: found out in the same way in which it will try. Under a millisecond. */
export function isPortFree({ host, port }: Place): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    // Any other error (no such address, not permitted) is the engine's to explain.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen({ host: bare(host), port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Whether it is known that another process listens there. */
export async function isOthers(pid: number, place: Place, processes: ProcessTable): Promise<boolean> {
  const owner = await processes.portOwner(place.port, bare(place.host), pid)
  return owner !== undefined && owner.pid !== pid
}

/** Free, or whose it is. */
export async function lookAtPort(
  place: Place,
  processes: ProcessTable,
  isFree: (place: Place) => Promise<boolean>,
): Promise<Finding> {
  if (await isFree(place)) return { kind: 'free', place }
  const owner = await processes.portOwner(place.port, bare(place.host))
  // Without an owner it may just have been let go; one more look tells.
  if (owner === undefined && (await isFree(place))) return { kind: 'free', place }
  return { kind: 'taken', port: place.port, owner: owner ?? {} }
}
