import { waitsForText } from '../../contract/messages/start-message.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { asStep, done, failed, type Progress, type StepResult } from '../runbook/step.ts'

/** What a runbook does with the registry's process. */
export interface SupervisedRegistry {
  state(): ProcessState
  start(): Promise<Result<ProcessState>>
  stop(options?: { withinMs: number }): Promise<Result<ProcessState>>
  onChange(listener: () => void): () => void
  tail(count: number): Promise<string[]>
}

export interface ServeDeps {
  clock: Clock
  supervisor: SupervisedRegistry
}

/** How long a start may take, in ms: 3 s more for every 1,000 tags, where zot reads them all before it answers. */
export const readyTimeoutMs = (readySeconds: number, tags = 0): number =>
  (readySeconds + Math.ceil((tags * 3) / 1000)) * 1000

/**
 * Starts the registry, or finds it serving already. One that waits for something outside may have it come within the
 * limit. Codes: not-ready, waits-for-other, and what a start fails with.
 */
export async function serveWithin({ supervisor, clock }: ServeDeps, limitMs: number): Promise<StepResult> {
  const over = new AbortController()
  let stop = (): void => {}
  const late = new Promise<'late'>(resolve => {
    stop = clock.setTimer(clock.now() + limitMs, () => resolve('late'))
  })
  const result = await Promise.race([startThroughWaits(supervisor, over.signal), late])
  stop()
  over.abort()
  if (result !== 'late') return asStep(result)
  const state = supervisor.state()
  if ('waitsFor' in state && state.waitsFor !== undefined)
    return failed('waits-for-other', `It ${waitsForText(state.waitsFor)}.`, state.lastWord)
  const lines = await supervisor.tail(10)
  return failed('not-ready', `It was not ready within ${Math.round(limitMs / 1000)} s.`, lines.join('\n'))
}

/** The answer to a start once nothing outside is waited for any more. After `over` nothing is started. */
async function startThroughWaits(
  supervisor: Pick<SupervisedRegistry, 'state' | 'start' | 'onChange'>,
  over: AbortSignal,
): Promise<Result<ProcessState>> {
  for (;;) {
    const result = await supervisor.start()
    const waits = !result.ok && result.error.code === 'start-failed' && result.error.waitsFor !== undefined
    if (!waits || over.aborted) return result
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
