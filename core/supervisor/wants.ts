import { unreachable } from '../../contract/result.ts'
import type { Policy } from './policy.ts'
import type { RegistryProcess, State } from './state.ts'

/** What has to go on while a state lasts; derived from it alone, so that no watcher is ever forgotten. */
export interface DesiredWatches {
  /** When the next tick is due, ms since the epoch. */
  tickAt?: number
  /** Ask whether it is ready. */
  readiness?: RegistryProcess
  /** Ask whether it still answers. */
  liveness?: RegistryProcess
  /** Watch pid and start time of a process that is not our child. */
  alive?: RegistryProcess
}

export function desiredWatches({ stage }: State, policy: Policy): DesiredWatches {
  switch (stage.kind) {
    case 'stopped':
    case 'checking':
    case 'launching':
      return {}
    case 'starting':
      return { tickAt: stage.deadline, readiness: stage.registry, ...adopted(stage.registry) }
    case 'serving':
      return { liveness: stage.registry, ...adopted(stage.registry) }
    case 'draining':
      return {
        tickAt: stage.isListing ? stage.until : Math.min(stage.until, stage.listAt),
        ...adopted(stage.registry),
      }
    case 'stopping':
      return { tickAt: stage.killAt + (stage.killed ? policy.giveUpAfterMs : 0), ...adopted(stage.registry) }
    case 'backing-off':
      return { tickAt: stage.until }
    case 'crash-looping':
    case 'foreign':
    case 'undecided':
      return { tickAt: stage.retryAt }
    case 'failed':
      return {
        ...(stage.retryAt === undefined ? {} : { tickAt: stage.retryAt }),
        ...(stage.survivor === undefined ? {} : adopted(stage.survivor.registry)),
      }
    default:
      return unreachable(stage)
  }
}

const adopted = (registry: RegistryProcess): Pick<DesiredWatches, 'alive'> =>
  registry.adopted ? { alive: registry } : {}
