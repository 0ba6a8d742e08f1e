import type { Finding, RunbookPlan } from '../../contract/runbook.ts'
import { Glyph, Icon } from '../ui/glyph.tsx'

const spoken = { '+': 'added', '-': 'removed' } as const

/** A unified diff; added and removed lines are marked by sign and colour. */
export function Diff({ text, label }: { text: string; label: string }) {
  const lines = text.replace(/\n$/, '').split('\n')
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll
    <section className="excerpt diff" aria-label={label} tabIndex={0}>
      {lines.map((line, index) => {
        const sign = line.charAt(0)
        const isChange = (sign === '+' || sign === '-') && !/^(\+\+\+|---) /.test(line)
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines may repeat, and never change places
          <code key={index} className={isChange ? (sign === '+' ? 'comes' : 'goes') : ''}>
            {isChange && <span className="vh">{spoken[sign as '+' | '-']}: </span>}
            {line === '' ? ' ' : line}
          </code>
        )
      })}
    </section>
  )
}

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

const severityText: Record<Finding['severity'], string> = {
  error: 'in the way',
  warning: 'to look at',
  info: 'to know',
}
const weight: Record<Finding['severity'], number> = { error: 0, warning: 1, info: 2 }

/** What was found, the gravest first: what it means, what it was seen by, what to do. */
export function Findings({ findings, label }: { findings: Finding[]; label: string }) {
  const sorted = findings.toSorted((a, b) => weight[a.severity] - weight[b.severity])
  return (
    <ul className="card todo" aria-label={label}>
      {sorted.map(finding => (
        <li key={`${finding.id} ${finding.evidence}`}>
          <Mark severity={finding.severity} />
          <FindingText {...finding} />
        </li>
      ))}
    </ul>
  )
}

function Mark({ severity }: Pick<Finding, 'severity'>) {
  if (severity === 'info') return <Icon name="note" />
  return <Glyph name={severity === 'error' ? 'down' : 'attention'} />
}

/** The first sentence is the title. */
function FindingText({ id, severity, evidence, advice }: Finding) {
  const end = /\.(?= )/.exec(advice)?.index ?? advice.length
  const rest = advice.slice(end + 1).trim()
  return (
    <div>
      <p className="t">
        <span className="vh">{severityText[severity]}: </span>
        {advice.slice(0, end).replace(/\.$/, '')}
        {/^CVE-/.test(id) && <span className="label cve"> {id}</span>}
      </p>
      {rest !== '' && <p className="small two">{rest}</p>}
      {evidence !== '' && <pre className="excerpt">{evidence}</pre>}
    </div>
  )
}
