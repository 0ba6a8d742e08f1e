import type { Failure } from '../../contract/failure.ts'
import { failureWords } from '../../contract/messages/failure-words.ts'

/** A question of this view that failed: what happened, and what to do. */
export function Refused({ failure }: { failure: Failure }) {
  const { title, steps } = failureWords(failure)
  return (
    <div className="refused" role="alert">
      <p className="t">{title}</p>
      {steps.map(step => (
        <p key={step} className="two small">
          {step}
        </p>
      ))}
    </div>
  )
}
