import { count, duration } from '../../contract/messages/format.ts'
import { type Course, downMsOf, type StepName } from '../bridge/course.ts'
import type { Seen } from './knowledge.tsx'

const names: Record<StepName, string> = { finish: 'Finish', stop: 'Stop', start: 'Start', serve: 'Serve' }
const readableMs = 60_000

/** The steps of a restart or stop as they happen, and for a minute afterwards how long it all took. */
export function CourseSteps({ seen }: { seen: Seen }) {
  const { course, now } = seen
  if (!course || !seen.answers) return null
  if (course.endedAt !== undefined && now - course.endedAt > readableMs) return null
  return (
    <div className="course">
      <ol className="phase" aria-label={course.goal === 'restart' ? 'Restart' : 'Stop'}>
        {course.steps.map(step => {
          const state = stateOf(course, step)
          const took =
            step.since !== undefined && step.until !== undefined ? step.until - step.since : undefined
          return (
            <li key={step.name} className={state} aria-current={state === 'now' ? 'step' : undefined}>
              {names[step.name]}
              {took !== undefined && <span className="took"> {tookText(took)}</span>}
              <span className="vh">: {spoken[state]}</span>
            </li>
          )
        })}
      </ol>
      {course.endedAt !== undefined && course.goal === 'restart' && (
        <p className="small two">{told(course, seen)}</p>
      )}
    </div>
  )
}

/** A step may be over in a blink, which tenths of a second would show as none. */
const tookText = (ms: number): string =>
  ms < 95 ? count(Math.max(1, Math.round(ms)), 'ms', 'ms') : duration(ms)

const spoken = { done: 'done', now: 'under way', pending: 'not yet' } as const

function stateOf(course: Course, step: Course['steps'][number]): keyof typeof spoken {
  if (course.endedAt !== undefined || step.until !== undefined) return 'done'
  if (step.since !== undefined) return 'now'
  const later = course.steps.slice(course.steps.indexOf(step) + 1)
  return later.some(other => other.since !== undefined) ? 'done' : 'pending'
}

function told(course: Course, seen: Seen): string {
  const whole = `Restarted in ${duration((course.endedAt ?? course.startedAt) - course.startedAt)}`
  const down = downMsOf(course, seen.snapshot.journal)
  return down === undefined ? `${whole}.` : `${whole}; ${duration(down)} without an answer.`
}
