import type { Finding } from '../../contract/runbook.ts'
import { Glyph, Icon } from '../ui/glyph.tsx'

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
          <Words {...finding} />
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
function Words({ id, severity, evidence, advice }: Finding) {
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
