import type { Failure } from '../../contract/failure.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result, unreachable } from '../../contract/result.ts'
import { undecidedFailure } from '../../contract/undecided.ts'

type Goal = 'serving' | 'stopped'
type Answer = Result<ProcessState>

/** Callers that asked for a start or a stop and wait for the end state. */
export interface Waiters {
  wait(goal: Goal): Promise<Answer>
  /** Answers every caller whose request this state ends. */
  update(state: ProcessState): void
  /** Answers every caller with the same failure. */
  fail(error: Failure): void
}

export function createWaiters(): Waiters {
  let waiting: { goal: Goal; resolve(answer: Answer): void }[] = []
  return {
    wait: goal => new Promise(resolve => waiting.push({ goal, resolve })),
    update(state) {
      waiting = waiting.filter(({ goal, resolve }) => {
        const answer = goal === 'serving' ? servingAnswer(state) : stoppedAnswer(state)
        if (answer !== undefined) resolve(answer)
        return answer === undefined
      })
    },
    fail(error) {
      for (const { resolve } of waiting.splice(0)) resolve(fail(error))
    },
  }
}

/** The answer to a start; undefined while it is still under way. */
function servingAnswer(state: ProcessState): Answer | undefined {
  switch (state.kind) {
    case 'serving':
      return ok(state)
    case 'starting':
      return undefined
    case 'draining':
    case 'stopping':
      if (state.then === 'restart') return undefined
      return fail({ code: state.then === 'quit' ? 'quitting' : 'cancelled' })
    case 'stopped':
      return fail({ code: state.why === 'quit' ? 'quitting' : 'cancelled' })
    case 'backing-off':
    case 'crash-looping':
      return fail(startFailure(state))
    case 'foreign': {
      const { port, pid, command, keptBy, open } = state
      return fail({
        code: 'port-in-use',
        port,
        ...(pid === undefined ? {} : { pid }),
        ...(command === undefined ? {} : { command }),
        ...(keptBy === undefined ? {} : { keptBy }),
        ...(open === undefined ? {} : { open }),
      })
    }
    case 'undecided':
      return fail(undecidedFailure(state))
    case 'failed':
      return fail(state.error)
    default:
      return unreachable(state)
  }
}

function startFailure(state: Extract<ProcessState, { kind: 'backing-off' | 'crash-looping' }>): Failure {
  const { exit, lastLines, lastWord } = state
  const waitsFor = state.kind === 'backing-off' ? state.waitsFor : undefined
  return {
    code: 'start-failed',
    exit,
    lastLines,
    ...(lastWord === undefined ? {} : { lastWord }),
    ...(waitsFor === undefined ? {} : { waitsFor }),
  }
}

/** The answer to a stop. A check that is under way shows as `starting`, and may still end stopped. */
function stoppedAnswer(state: ProcessState): Answer | undefined {
  switch (state.kind) {
    case 'stopped':
      return ok(state)
    case 'starting':
      return undefined
    case 'draining':
    case 'stopping':
      return state.then === 'restart' ? fail({ code: 'cancelled' }) : undefined
    case 'failed':
      return state.error.code === 'stop-failed' ? fail(state.error) : ok(state)
    case 'serving':
    case 'backing-off':
    case 'crash-looping':
    case 'foreign':
    case 'undecided':
      return fail({ code: 'cancelled' })
    default:
      return unreachable(state)
  }
}
