import { createServer } from 'node:net'
import { withoutBrackets } from '../../registry/config/listen-address.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { CheckResult, Target } from './state.ts'

const listenHost = ({ listen, host }: Target): string => listen ?? withoutBrackets(host)

/** Whether the engine could listen there: found out in the same way in which it will try. Under a millisecond. */
export function isPortFree(place: Target): Promise<boolean> {
  const { port } = place
  return new Promise(resolve => {
    const server = createServer()
    // Any other error (no such address, not permitted) is the engine's to explain.
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EADDRINUSE'))
    server.listen({ host: listenHost(place), port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** Whether it is known that another process listens there. */
export async function isOthers(pid: number, place: Target, processes: ProcessTable): Promise<boolean> {
  const owner = await processes.portOwner(place.port, withoutBrackets(place.host), pid)
  return owner !== undefined && owner.pid !== pid
}

/** Free, or whose it is. */
export async function lookAtPort(
  place: Target,
  processes: ProcessTable,
  isFree: (place: Target) => Promise<boolean>,
): Promise<CheckResult> {
  if (await isFree(place)) return { kind: 'free', target: place }
  const owner = await processes.portOwner(place.port, listenHost(place))
  // Without an owner it may just have been let go; one more look tells.
  if (owner === undefined && (await isFree(place))) return { kind: 'free', target: place }
  return { kind: 'taken', port: place.port, owner: owner ?? {} }
}
