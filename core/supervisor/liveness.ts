import type { Clock } from '../../lib/clock.ts'
import { withoutBrackets } from '../../registry/config/listen-address.ts'
import type { Liveness } from '../platform/admin-liveness.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import type { Probe } from './http-probe.ts'
import type { RegistryProcess } from './state.ts'

/**
 * `overloaded`: it lives, and clients get no answer from it; a restart would cure nothing. `unknown`: it could not be
 * asked, which says nothing about it.
 */
export type SignOfLife = 'alive' | 'overloaded' | 'silent' | 'unknown'

interface Parts {
  run: RegistryProcess
  /** What any living process of this engine answers: "/livez". */
  path: string
  clock: Clock
  probe: Probe
  /** The engine's administration socket; absent where it has none. */
  askAdmin?: ((limitMs: number) => Promise<Liveness>) | undefined
  processes: Pick<ProcessTable, 'alive' | 'portOwner'>
}

/** The part of the limit that an answer over HTTP has before the administration socket is asked beside it. */
const headStart = 0.2

/**
 * Asks a process for a sign of life, not for health. Any answer over HTTP is one, an error too. Where there is none the
 * administration socket decides, which clients cannot crowd out; with an engine that has none, a connection that is cut
 * is a sign of life as well. Only silence is none. Never rejects.
 */
export async function askForLife(parts: Parts, limitMs: number): Promise<SignOfLife> {
  const overHttp = askOverHttp(parts, limitMs)
  const early = headStart * limitMs
  const first = await earlier(overHttp, parts.clock, early)
  if (first === 'alive') return first
  const said = await parts.askAdmin?.(limitMs - early).catch(() => undefined)
  const heard = await overHttp
  if (heard === 'alive' || heard === 'gone') return heard === 'alive' ? 'alive' : 'silent'
  if (said?.kind === 'alive') return heard === 'unknown' ? 'alive' : 'overloaded'
  return said?.kind === 'silent' ? 'silent' : heard
}

/** The answer, if it comes within `ms`. */
async function earlier<T>(answer: Promise<T>, clock: Clock, ms: number): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>()
  const cancel = clock.setTimer(clock.now() + ms, () => late.resolve(undefined))
  return Promise.race([answer, late.promise]).finally(cancel)
}

/** `gone`: nobody listens on its port any more. */
async function askOverHttp(parts: Parts, limitMs: number): Promise<SignOfLife | 'gone'> {
  const { run, path, probe, processes } = parts
  const probed = await probe(`${run.target.url}${path}`, limitMs).catch(() => 'unasked' as const)
  switch (probed) {
    case undefined:
      return 'silent'
    case 'unasked':
      return 'unknown'
    case 'cut':
      return (await isCutBy(run, processes)) ? 'overloaded' : 'silent'
    case 'refused':
      return (await ownerOf(run, processes))?.pid === run.pid ? 'overloaded' : 'gone'
    default:
      return 'alive'
  }
}

/** Whether a connection that was cut can only have been cut by this process. */
export async function isCutBy(run: RegistryProcess, processes: Parts['processes']): Promise<boolean> {
  if (!processes.alive(run.pid)) return false
  const owner = await ownerOf(run, processes)
  // Whose port it is cannot always be seen; that somebody cut the connection was.
  return owner === undefined || owner.pid === run.pid
}

const ownerOf = ({ pid, target }: RegistryProcess, processes: Parts['processes']) =>
  processes.portOwner(target.port, withoutBrackets(target.host), pid).catch(() => undefined)
