import type { RunbookPlan } from '../../contract/runbook.ts'
import { Glyph } from '../ui/glyph.tsx'

/** The steps of a plan. From `returnEnds` on there is no way back, where that is named. */
export function PlannedSteps({ plan, returnEnds }: { plan: RunbookPlan; returnEnds?: string }) {
  return (
    <ol className="steps planned" aria-label="Steps">
      {plan.steps.map(step => (
        <li key={step.id}>
          {step.id === returnEnds && <p className="no-return">no way back after this</p>}
          <Glyph name={step.holds ? 'off' : 'pending'} />
          <div className="step">
            <p>
              {step.title}
              {step.holds && <span className="vh">: not needed</span>}
            </p>
            <p className="small two">{step.why}</p>
          </div>
          <p className="label">{step.holds && 'not needed'}</p>
        </li>
      ))}
    </ol>
  )
}
