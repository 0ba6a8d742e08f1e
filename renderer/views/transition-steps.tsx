import { count, duration } from '../../contract/messages/format.ts'
import { downMsOf, type StepName, type Transition } from '../bridge/transition.ts'
import type { ViewModel } from './view-model.tsx'

const names: Record<StepName, string> = { finish: 'Finish', stop: 'Stop', start: 'Start', serve: 'Serve' }
const readableMs = 60_000

/** The steps of a restart or stop as they happen, and for a minute afterwards how long it all took. */
export function TransitionSteps({ model }: { model: ViewModel }) {
  const { transition, now } = model
  if (!transition || !model.isConnected) return null
  if (transition.endedAt !== undefined && now - transition.endedAt > readableMs) return null
  return (
    <div className="course">
      <ol className="phase" aria-label={transition.goal === 'restart' ? 'Restart' : 'Stop'}>
        {transition.steps.map(step => {
          const state = stateOf(transition, step)
          const took =
            step.since !== undefined && step.endedAt !== undefined ? step.endedAt - step.since : undefined
          return (
            <li key={step.name} className={state} aria-current={state === 'now' ? 'step' : undefined}>
              {names[step.name]}
              {took !== undefined && <span className="took"> {tookText(took)}</span>}
              <span className="vh">: {spoken[state]}</span>
            </li>
          )
        })}
      </ol>
      {transition.endedAt !== undefined && transition.goal === 'restart' && (
        <p className="small two">{durationText(transition, model)}</p>
      )}
    </div>
  )
}

/** A step may be over in a blink, which tenths of a second would show as none. */
const tookText = (ms: number): string =>
  ms < 95 ? count(Math.max(1, Math.round(ms)), 'ms', 'ms') : duration(ms)

const spoken = { done: 'done', now: 'under way', pending: 'not yet' } as const

function stateOf(transition: Transition, step: Transition['steps'][number]): keyof typeof spoken {
  if (transition.endedAt !== undefined || step.endedAt !== undefined) return 'done'
  if (step.since !== undefined) return 'now'
  const later = transition.steps.slice(transition.steps.indexOf(step) + 1)
  return later.some(following => following.since !== undefined) ? 'done' : 'pending'
}

function durationText(transition: Transition, model: ViewModel): string {
  const whole = `Restarted in ${duration((transition.endedAt ?? transition.startedAt) - transition.startedAt)}`
  const down = downMsOf(transition, model.snapshot.journal)
  return down === undefined ? `${whole}.` : `${whole}; ${duration(down)} without an answer.`
}
