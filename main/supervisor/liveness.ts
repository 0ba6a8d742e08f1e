import { unreachable } from '../../preload/contract/result.ts'
import { withoutBrackets } from '../../registry/config/listen-address.ts'
import type { Liveness } from '../platform/admin-liveness.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { Probe } from './http-probe.ts'
import type { Run } from './state.ts'

/** `unknown`: it could not be asked, which says nothing about it. */
export type SignOfLife = 'alive' | 'silent' | 'unknown'

interface Parts {
  run: Run
  /** What any living process of this engine answers: "/livez". */
  path: string
  probe: Probe
  /** The engine's administration socket; absent where it has none. */
  askAdmin?: ((limitMs: number) => Promise<Liveness>) | undefined
  processes: Pick<ProcessTable, 'alive' | 'portOwner'>
}

/**
 * Asks a process for a sign of life, not for health: on its administration socket, which clients cannot crowd out, else
 * over HTTP. There any answer counts, an error too, and so does a connection that is cut: whoever is overloaded lives,
 * and a restart would cure nothing. Only silence is none. Never rejects.
 */
export async function askForLife(parts: Parts, limitMs: number): Promise<SignOfLife> {
  const said = (await parts.askAdmin?.(limitMs).catch(() => undefined)) ?? { kind: 'refused' }
  switch (said.kind) {
    case 'alive':
    case 'silent':
      return said.kind
    case 'refused':
      return askOverHttp(parts, limitMs)
    default:
      return unreachable(said)
  }
}

async function askOverHttp({ run, path, probe, processes }: Parts, limitMs: number): Promise<SignOfLife> {
  const probed = await probe(`${run.place.url}${path}`, limitMs).catch(() => 'unasked' as const)
  switch (probed) {
    case undefined:
      return 'silent'
    case 'unasked':
      return 'unknown'
    case 'cut':
      return (await isCutBy(run, processes)) ? 'alive' : 'silent'
    case 'refused':
      return (await ownerOf(run, processes))?.pid === run.pid ? 'alive' : 'silent'
    default:
      return 'alive'
  }
}

/** Whether a connection that was cut can only have been cut by this process. */
export async function isCutBy(run: Run, processes: Parts['processes']): Promise<boolean> {
  if (!processes.alive(run.pid)) return false
  const owner = await ownerOf(run, processes)
  // Whose port it is cannot always be seen; that somebody cut the connection was.
  return owner === undefined || owner.pid === run.pid
}

const ownerOf = ({ pid, place }: Run, processes: Parts['processes']) =>
  processes.portOwner(place.port, withoutBrackets(place.host), pid).catch(() => undefined)
