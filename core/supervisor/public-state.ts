import type { ProcessState } from '../../contract/registry-state.ts'
import { unreachable } from '../../contract/result.ts'
import type { Policy } from './policy.ts'
import type { State } from './state.ts'

/** What clients see of a state. */
export function publicState({ memory, stage }: State, policy: Policy): ProcessState {
  switch (stage.kind) {
    case 'stopped':
      return stage
    case 'checking':
    case 'launching': {
      const { since, cause, deadline } = stage
      return { kind: 'starting', since, cause, deadline, ...memory.lastEnd }
    }
    case 'starting': {
      const { since, cause, deadline, registry } = stage
      return { kind: 'starting', since, cause, deadline, pid: registry.pid, ...memory.lastEnd }
    }
    case 'serving': {
      const { pid, startedAt, adopted } = stage.registry
      const { since, silence } = stage
      return {
        kind: 'serving',
        since,
        pid,
        startedAt,
        adopted,
        ...(silence === undefined ? {} : { silence }),
      }
    }
    case 'draining': {
      const { since, registry, until, goal, pushes, killAt } = stage
      return {
        kind: 'draining',
        since,
        pid: registry.pid,
        until,
        then: goal,
        pushes,
        cancellable: killAt === undefined,
      }
    }
    case 'stopping': {
      const { since, registry, killAt, goal } = stage
      return { kind: 'stopping', since, pid: registry.pid, killAt, then: goal }
    }
    case 'backing-off': {
      const { since, attempt, until, exit, lastLines } = stage
      const waits = policy.backoffMs
      return { kind: 'backing-off', since, attempt, until, exit, lastLines, waits, ...memory.lastEnd }
    }
    case 'crash-looping': {
      const { since, exits, windowMs, retryAt, exit, lastLines, lastWord } = stage
      return {
        kind: 'crash-looping',
        since,
        exits,
        windowMs,
        retryAt,
        exit,
        lastLines,
        ...(lastWord === undefined ? {} : { lastWord }),
      }
    }
    case 'foreign':
      return { kind: 'foreign', since: stage.since, port: stage.port, ...stage.owner }
    case 'undecided':
      return { kind: 'undecided', since: stage.since, ...stage.undecided }
    case 'failed': {
      const { since, error, retryAt } = stage
      return { kind: 'failed', since, error, ...(retryAt === undefined ? {} : { retryAt }) }
    }
    default:
      return unreachable(stage)
  }
}
