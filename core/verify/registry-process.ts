import type { WaitsFor } from '../../contract/failure.ts'
import { waitsForText } from '../../contract/messages/start-message.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { maskSecretsIn } from '../platform/secret-text.ts'
import { asStep, done, failed, type Progress, type StepResult } from '../runbook/step.ts'

/** What a runbook does with the registry's process. */
interface SupervisedRegistry {
  state(): ProcessState
  start(): Promise<Result<ProcessState>>
  stop(options?: { withinMs: number }): Promise<Result<ProcessState>>
  onChange(listener: () => void): () => void
  tail(count: number): Promise<string[]>
}

export interface ServeDeps {
  clock: Clock
  supervisor: SupervisedRegistry
  /** Another one after every write of config.json. */
  configStamp?(): Promise<string | undefined>
}

/** How often a start is tried again that failed while somebody wrote config.json. */
const triesThroughWrites = 3

/** How long a start may take, in ms: 3 s more for every 1,000 tags, where zot reads them all before it answers. */
export const readyTimeoutMs = (readySeconds: number, tags = 0): number =>
  (readySeconds + Math.ceil((tags * 3) / 1000)) * 1000

/**
 * Starts the registry, or finds it serving already. Codes: not-ready, waits-for-other where it cannot start without
 * something outside, config-edited-meanwhile where config.json is written again and again, and what a start fails with.
 */
export const serveWithin = (deps: ServeDeps, limitMs: number): Promise<StepResult> =>
  throughWrites(deps, () => answerWithin(deps, limitMs, () => deps.supervisor.start()))

/**
 * The same on the way back to what served before: what it waits for may come within the limit, as nothing else could
 * serve meanwhile.
 */
export const serveAgainWithin = (deps: ServeDeps, limitMs: number): Promise<StepResult> =>
  throughWrites(deps, () => answerWithin(deps, limitMs, over => startThroughWaits(deps.supervisor, over)))

/** A program that read half of config.json is started again: that is not its fault. */
async function throughWrites(
  { configStamp = async () => undefined }: ServeDeps,
  start: () => Promise<StepResult>,
): Promise<StepResult> {
  for (let triesLeft = triesThroughWrites; ; triesLeft -= 1) {
    const before = await configStamp()
    const result = await start()
    const mayHaveReadHalf = !result.ok && ['start-failed', 'config-invalid'].includes(result.error.code)
    if (!mayHaveReadHalf || before === (await configStamp())) return result
    if (triesLeft === 0)
      return failed(
        'config-edited-meanwhile',
        'config.json was changed while it started.',
        result.error.words,
      )
  }
}

async function answerWithin(
  { supervisor, clock }: ServeDeps,
  limitMs: number,
  start: (over: AbortSignal) => Promise<Result<ProcessState>>,
): Promise<StepResult> {
  const over = new AbortController()
  let stop = (): void => {}
  const late = new Promise<'late'>(resolve => {
    stop = clock.setTimer(clock.now() + limitMs, () => resolve('late'))
  })
  const result = await Promise.race([start(over.signal), late])
  stop()
  over.abort()
  if (result !== 'late') return waitsResult(result) ?? asStep(result)
  const state = supervisor.state()
  if ('waitsFor' in state && state.waitsFor !== undefined)
    return waitsForOther(state.waitsFor, state.lastWord)
  const lines = await supervisor.tail(10)
  return failed(
    'not-ready',
    `It was not ready within ${Math.round(limitMs / 1000)} s.`,
    maskSecretsIn(lines.join('\n')),
  )
}

function waitsResult(result: Result<ProcessState>): StepResult | undefined {
  if (result.ok || result.error.code !== 'start-failed') return undefined
  const { waitsFor, lastWord } = result.error
  return waitsFor === undefined ? undefined : waitsForOther(waitsFor, lastWord)
}

const waitsForOther = (waitsFor: WaitsFor, lastWord: string | undefined): StepResult =>
  failed('waits-for-other', `It ${waitsForText(waitsFor)}.`, lastWord)

/** The answer to a start once nothing outside is waited for any more. After `over` nothing is started. */
async function startThroughWaits(
  supervisor: Pick<SupervisedRegistry, 'state' | 'start' | 'onChange'>,
  over: AbortSignal,
): Promise<Result<ProcessState>> {
  for (;;) {
    const result = await supervisor.start()
    if (waitsResult(result) === undefined || over.aborted) return result
    await new Promise<void>(resolve => {
      const stopListening = supervisor.onChange(check)
      over.addEventListener('abort', check)
      function check(): void {
        const state = supervisor.state()
        if (!over.aborted && 'waitsFor' in state && state.waitsFor !== undefined) return
        stopListening()
        over.removeEventListener('abort', check)
        resolve()
      }
      check()
    })
    if (over.aborted) return result
  }
}

interface StableOptions {
  seconds: number
  progress(progress: Progress): void
  signal: AbortSignal
}

/** Whether the same process serves for `seconds`. Codes: not-stable, cancelled. */
export function staysUp(
  { supervisor, clock }: ServeDeps,
  { seconds, progress, signal }: StableOptions,
): Promise<StepResult> {
  const deadline = clock.now() + seconds * 1000
  const first = supervisor.state()
  const pid = first.kind === 'serving' ? first.pid : -1
  progress({ label: `It must run for ${seconds} s without a restart` })
  return new Promise(resolve => {
    const end = (result: StepResult): void => {
      stopListening()
      stopTimer()
      signal.removeEventListener('abort', cancelled)
      resolve(result)
    }
    const check = (): void => {
      const state = supervisor.state()
      if (state.kind === 'serving' && state.pid === pid) return
      const lines = 'lastLines' in state ? state.lastLines.join('\n') : undefined
      end(failed('not-stable', 'It did not stay up.', lines))
    }
    const cancelled = (): void => end(failed('cancelled', 'It was cancelled.'))
    const stopTimer = clock.setTimer(deadline, () => end(done))
    const stopListening = supervisor.onChange(check)
    signal.addEventListener('abort', cancelled)
    if (signal.aborted) cancelled()
    else check()
  })
}
