import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'

/** A question of this view that failed: what happened, and what to do. */
export function Refused({ failure }: { failure: Failure }) {
  const { title, steps } = failureMessage(failure)
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
