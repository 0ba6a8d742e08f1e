import { useEffect, useId, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import type { ManagedKey } from '../../contract/key.ts'
import { count } from '../../contract/messages/format.ts'
import type { RunbookPlan } from '../../contract/runbook.ts'
import { Button } from '../ui/button.tsx'
import { Glyph } from '../ui/glyph.tsx'
import { Refused } from './headline.tsx'
import { Findings, PlannedSteps } from './plan-parts.tsx'
import { useStore, type ViewModel } from './view-model.tsx'

const overlaps: [string, string][] = [
  ['0', 'none: revoke the old key in the same run'],
  ['1h', '1 hour'],
  ['24h', '24 hours'],
  ['7d', '7 days'],
]

/** What a rotation would do, before it begins: steps, sinks in order, findings, how long both keys work. */
export function RotatePlan({
  apiKey,
  model,
  onBack,
  onBegun,
}: {
  apiKey: ManagedKey
  model: ViewModel
  onBack: () => void
  onBegun: (run: string) => void
}) {
  const { user } = apiKey
  const { keys } = useStore()
  const overlap = useOverlap()
  const [leaked, setLeaked] = useState(false)
  const [plan, setPlan] = useState<RunbookPlan>()
  const [failure, setFailure] = useState<Failure>()
  const [begun, setBegun] = useState(false)
  const chosen = overlap.chosen
  useEffect(() => {
    if (chosen === undefined && !leaked) return
    let unmounted = false
    const request = { user, leaked, yes: false, dryRun: true, ...(leaked ? {} : { overlap: chosen }) }
    void keys.rotate(request).then(answer => {
      if (unmounted) return
      setFailure(answer.ok ? undefined : answer.error)
      if (answer.ok && 'plan' in answer.value) setPlan(answer.value.plan)
    })
    return () => {
      unmounted = true
    }
  }, [keys, user, leaked, chosen])

  async function begin(): Promise<void> {
    setBegun(true)
    // All there is to agree to is on this page; a leaked key is asked about by the run itself.
    const request = { user, leaked, yes: !leaked, dryRun: false, ...(leaked ? {} : { overlap: chosen }) }
    const answer = await keys.rotate(request)
    setBegun(false)
    if (!answer.ok) setFailure(answer.error)
    else if ('run' in answer.value) onBegun(answer.value.run)
  }

  const busyWith = model.snapshot.runbook?.title
  const stops = plan?.findings.some(({ severity }) => severity === 'error') ?? false
  const may = plan !== undefined && !stops && busyWith === undefined && !begun
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">{leaked ? `Replace the leaked key of ${user}` : `Rotate the key of ${user}`}</h1>
          <p className="label">{apiKey.label || apiKey.uuid}; the plan, nothing has changed yet</p>
        </div>
        <p className="label">{plan && count(plan.steps.length, 'step')}</p>
      </header>
      <div className="run">
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
        <section className="run-steps" aria-label="What would be done" tabIndex={0}>
          {plan && <PlannedSteps plan={plan} returnEnds={returnEnds} />}
        </section>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
        <section className="run-now" aria-label="What it means" tabIndex={0}>
          {failure && <Refused failure={failure} />}
          {leaked ? <LeakText user={user} /> : <Overlap {...overlap} />}
          <Sinks apiKey={apiKey} unprovable={unprovableIn(plan)} />
          {plan?.findings.some(({ id }) => id !== 'unprovable') && (
            <section aria-labelledby="found">
              <header className="over">
                <h2 id="found">What was found</h2>
              </header>
              <Findings findings={plan.findings.filter(({ id }) => id !== 'unprovable')} label="Findings" />
            </section>
          )}
        </section>
      </div>
      <footer className="run-foot">
        <p className="small two" role="status">
          {stops
            ? 'It cannot begin before what is marked in red is out of the way.'
            : busyWith !== undefined
              ? `It can begin when this has ended: ${busyWith}.`
              : leaked
                ? 'It asks once more before anything changes.'
                : 'Until the old key is revoked, it can be taken back: every sink gets the current key again.'}
        </p>
        <div className="tools">
          <Button onPress={leaked ? () => setLeaked(false) : onBack}>Back</Button>
          {!leaked && (
            <Button kind="danger" onPress={() => setLeaked(true)}>
              This key has leaked…
            </Button>
          )}
          {may && (
            <Button kind={leaked ? 'danger' : 'fill'} onPress={() => void begin()}>
              {leaked ? 'Replace it…' : 'Begin'}
            </Button>
          )}
        </div>
      </footer>
    </>
  )
}

const unprovableIn = (plan: RunbookPlan | undefined): Set<string> =>
  new Set(plan?.findings.filter(({ id }) => id === 'unprovable').map(({ evidence }) => evidence))

interface OverlapChoice {
  /** Undefined until the setting is known. */
  chosen: string | undefined
  usual: string | undefined
  choose: (overlap: string) => void
}

/** How long both keys work: as the setting says, until something else is chosen. */
function useOverlap(): OverlapChoice {
  const { settings } = useStore()
  const [usual, setUsual] = useState<string>()
  const [choice, setOwn] = useState<string>()
  useEffect(() => {
    let unmounted = false
    void settings.get({ key: 'rotation.overlap' }).then(answer => {
      if (!unmounted) setUsual(answer.ok ? String(answer.value.value) : '24h')
    })
    return () => {
      unmounted = true
    }
  }, [settings])
  return { chosen: choice ?? usual, usual, choose: setOwn }
}

function Overlap({ chosen, usual, choose }: OverlapChoice) {
  const id = useId()
  const known = overlaps.some(([value]) => value === usual)
  const options = usual === undefined || known ? overlaps : [...overlaps, [usual, usual] as const]
  return (
    <section className="card pad form overlap" aria-label="Overlap">
      <label htmlFor={id}>Both keys work for</label>
      <select id={id} className="field" value={chosen ?? ''} onChange={event => choose(event.target.value)}>
        {options.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
            {value === usual ? ' (the setting)' : ''}
          </option>
        ))}
      </select>
      <p className="small two">
        {chosen === '0'
          ? 'Whatever still uses the old key is refused as soon as the new one has proved itself.'
          : 'What still uses the old key can finish. After that time it is revoked by itself.'}
      </p>
    </section>
  )
}

function LeakText({ user }: { user: string }) {
  return (
    <section className="card pad at-hand" aria-label="What a leak means">
      <Glyph name="attention" />
      <div>
        <h2>The old key is revoked at once</h2>
        <p className="small two">
          The new key is not created with the leaked one where there is another way. There is no overlap: what
          still uses the old key is refused when the new one has proved itself. Then the keys of {user} that
          nobody here knows are listed, to be revoked too, and what used the leaked key lately.
        </p>
      </div>
    </section>
  )
}

/** The first step after which there is no way back. */
const returnEnds = 'revoke'

function Sinks({ apiKey, unprovable }: { apiKey: ManagedKey; unprovable: Set<string> }) {
  const { sinks } = apiKey
  if (sinks.length === 0) return null
  return (
    <section aria-labelledby="places">
      <header className="over">
        <h2 id="places">Delivered to, in this order</h2>
        <p className="label">unproven: takes it, but cannot be read back</p>
      </header>
      <ol className="card parts sinks">
        {sinks.map(({ spec, title, place }) => (
          <li key={spec}>
            <Glyph name={unprovable.has(spec) ? 'accepted' : 'pending'} />
            <p title={spec}>
              {title} <span className="small two">{place}</span>
            </p>
            <p className="small two">{unprovable.has(spec) ? 'unproven' : 'is read back'}</p>
          </li>
        ))}
      </ol>
    </section>
  )
}
