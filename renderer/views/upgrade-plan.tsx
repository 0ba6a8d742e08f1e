import type { Failure } from '../../contract/failure.ts'
import type { UpgradeOrigin, UpgradePlan } from '../../contract/upgrade.ts'
import { Button } from '../ui/button.tsx'
import { Glyph, type StatusGlyph } from '../ui/glyph.tsx'
import { FullOnly } from './full-only.tsx'
import { Refused } from './headline.tsx'
import { Diff, Findings, PlannedSteps } from './plan-parts.tsx'
import type { UpgradeRequest } from './upgrade-choice.tsx'

const origins: Record<UpgradeOrigin, { glyph: StatusGlyph; title: string; text: string }> = {
  signed: {
    glyph: 'fine',
    title: 'Signed with the key that you pinned',
    text: 'Signature, digest, size, file type and architecture are checked before a byte of it runs.',
  },
  published: {
    glyph: 'fine',
    title: 'Its digest is published with the release',
    text: 'Both published digests, the size, the file type and the architecture are checked before a byte of it runs.',
  },
  unproven: {
    glyph: 'unproven',
    title: 'Nobody vouches for where it comes from',
    text: 'Its SHA-256 is shown to you before anything changes, and your consent stands in for a published digest.',
  },
}

/** What would be done and what it means, before anything is. */
export function PlanView({
  plan,
  request,
  busyWith,
  failure,
  onBack,
  onBegin,
}: {
  plan: UpgradePlan
  request: UpgradeRequest
  /** Another runbook that is under way. */
  busyWith?: string
  failure?: Failure
  onBack: () => void
  onBegin: () => void
}) {
  const origin = origins[plan.origin]
  const stops = plan.findings.some(finding => finding.severity === 'error')
  const target = plan.to ?? (request.from === 'source' ? 'a build from source' : 'the newest')
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">{request.undo ? `Go back to zot ${target}` : `Upgrade to zot ${target}`}</h1>
          <p className="label">
            {plan.from === undefined ? '' : `from ${plan.from}; `}the plan, nothing has changed yet
          </p>
        </div>
        <p className="label">{plan.steps.length} steps</p>
      </header>
      <div className="run">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
        <section className="run-steps" aria-label="What would be done" tabIndex={0}>
          <PlannedSteps plan={plan} />
        </section>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
        <section className="run-now" aria-label="What it means" tabIndex={0}>
          {failure && <Refused failure={failure} />}
          {!request.undo && (
            <section className="card pad at-hand" aria-label="Where it comes from">
              <Glyph name={origin.glyph} />
              <div>
                <h2>{origin.title}</h2>
                <p className="small two">{origin.text}</p>
              </div>
            </section>
          )}
          {request.undo && (
            <section className="card pad at-hand" aria-label="What going back means">
              <Glyph name="undone" />
              <div>
                <h2>It goes back with today's databases</h2>
                <p className="small two">
                  Keys that were revoked stay revoked, and new ones stay. If the older version cannot open
                  them, it stops and asks.
                </p>
              </div>
            </section>
          )}
          {plan.edit && (
            <section aria-labelledby="edit">
              <header className="over">
                <h2 id="edit">config.json changes with it</h2>
                <p className="label">{plan.edit.required ? 'needed by this version' : 'offered'}</p>
              </header>
              <p className="two">{plan.edit.why}</p>
              <Diff text={plan.edit.diff} label={`Change of ${plan.edit.file}`} />
              <p className="small two">
                The old file is kept beside it, and comes back if the version does. If config.json is made
                from a template elsewhere, that template has to follow.
              </p>
            </section>
          )}
          <section aria-labelledby="means">
            <header className="over">
              <h2 id="means">What it means for your configuration</h2>
            </header>
            {plan.findings.length === 0 ? (
              <p className="small two">Nothing in config.json is touched by it.</p>
            ) : (
              <Findings findings={plan.findings} label="Findings" />
            )}
          </section>
        </section>
      </div>
      <footer className="run-foot">
        <p className="small two" role="status">
          {stops
            ? 'It cannot begin before what is marked in red is out of the way.'
            : busyWith === undefined
              ? 'The version that runs stays installed; if a check fails, it is put back by itself.'
              : `It can begin when this has ended: ${busyWith}.`}
        </p>
        <div className="tools">
          <Button onPress={onBack}>Back</Button>
          {!stops && busyWith === undefined && (
            <FullOnly to="begin">
              <Button kind="fill" onPress={onBegin}>
                Begin
              </Button>
            </FullOnly>
          )}
        </div>
      </footer>
    </>
  )
}
