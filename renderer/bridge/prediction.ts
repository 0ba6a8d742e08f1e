import type { StatusVerb } from '../../contract/messages/summary.ts'
import type { ProcessState } from '../../contract/registry-state.ts'

/** How long a predicted state may stand before the real one shows again, in ms. */
export const predictionMs = 2_000

/**
 * What the process is about to be once `verb` has reached the app, shown right after the click.
 * Undefined where there is nothing sure to say. `now` in ms since the epoch.
 */
export function predict(state: ProcessState, verb: StatusVerb, now: number): ProcessState | undefined {
  switch (verb) {
    case 'restart':
    case 'stop':
      if (state.kind === 'serving')
        return {
          kind: 'draining',
          since: now,
          pid: state.pid,
          until: now + 15_000,
          then: verb === 'stop' ? 'stopped' : 'restart',
          pushes: [],
          // Not offered before the app has confirmed that there is something to cancel.
          cancellable: false,
        }
      if (verb === 'stop' && (state.kind === 'backing-off' || state.kind === 'crash-looping'))
        return { kind: 'stopped', since: now, why: 'asked' }
      return undefined
    case 'restart-now':
      return state.kind === 'draining'
        ? { kind: 'stopping', since: now, pid: state.pid, killAt: now + 20_000, then: state.then }
        : undefined
    case 'start':
    case 'try-again':
    case 'check-again':
      return { kind: 'starting', since: now, cause: 'asked-start', deadline: now + 300_000 }
    case 'cancel':
    case 'look-again':
    case 'use-zot':
    case 'use-zotbar-registry':
    case 'use-last-config':
    case 'show-keys':
      return undefined
  }
}

/** True once the app itself reports something new about the process: the prediction has served. */
export const isOvertaken = (before: ProcessState, after: ProcessState): boolean =>
  before.kind !== after.kind || before.since !== after.since
