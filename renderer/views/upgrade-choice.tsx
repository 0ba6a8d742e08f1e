import { type ReactNode, useState } from 'react'
import type { Failure } from '../../contract/failure.ts'
import { bytes, exactMoment, longDate, relativeTime } from '../../contract/messages/format.ts'
import type { ReleaseRow, UpgradeState } from '../../contract/upgrade.ts'
import { Button } from '../ui/button.tsx'
import { Copy } from '../ui/copy.tsx'
import { Glyph, Icon } from '../ui/glyph.tsx'
import { Time } from '../ui/time.tsx'
import { FullOnly } from './full-only.tsx'
import { Refused } from './headline.tsx'
import { Findings } from './plan-parts.tsx'
import { ReleaseNotes } from './release-notes.tsx'
import { engineName } from './snapshot-text.ts'

import type { Versions } from './use-upgrade.ts'
import type { ViewModel } from './view-model.tsx'

/** What is to be done: a release, a build from source, or the way back. */
export interface UpgradeRequest {
  to?: string
  from?: 'source'
  undo: boolean
  /** Chosen although it is older than what runs. */
  allowDowngrade: boolean
}

/** Every version there is, and what the chosen one is and means. */
export function UpgradeChoice({
  versions,
  model,
  waits,
  failure,
  onChoose,
}: {
  versions: Versions
  model: ViewModel
  /** The plan is being made. */
  waits: boolean
  failure?: Failure
  onChoose: (request: UpgradeRequest) => void
}) {
  const { state, list, asking } = versions
  const [picked, setPicked] = useState<string>()
  const rows = list?.releases ?? []
  const chosen =
    rows.find(row => row.version === (picked ?? state?.newest)) ?? rows.find(row => !row.bad) ?? rows[0]
  const refused = failure ?? versions.failure ?? list?.trouble
  return (
    <>
      <header className="bar-top">
        <div>
          <h1 id="view">Upgrade</h1>
          <p className="label" role="status">
            {asking ? 'The list of releases is being read' : state && knownText(state, model.now)}
          </p>
        </div>
        <div className="tools">
          {state?.engine === 'zot' && <Button onPress={versions.load}>Check for releases</Button>}
        </div>
      </header>
      {state !== undefined && state.engine !== 'zot' ? (
        <OtherEngine model={model} />
      ) : (
        <>
          {refused && <Refused failure={refused} />}
          {chosen ? (
            <div className="run">
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
              <section className="run-steps" aria-label="Versions" tabIndex={0}>
                <VersionList rows={rows} chosen={chosen.version} onPick={setPicked} now={model.now} />
              </section>
              {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls */}
              <section className="run-now" aria-label={chosen.version} tabIndex={0}>
                <Release row={chosen} now={model.now} />
              </section>
            </div>
          ) : (
            <div className="scroll">
              {list && <p className="nothing">The list of releases is empty.</p>}
              {state && state.findings.length > 0 && (
                <Findings findings={state.findings} label="Advisories" />
              )}
            </div>
          )}
          {state && <ChoiceFoot state={state} chosen={chosen} waits={waits} onChoose={onChoose} />}
        </>
      )}
    </>
  )
}

function knownText({ engine, running, newest, checkedAt }: UpgradeState, now: number): string {
  if (engine !== 'zot') return `${engine} serves`
  const runningText = running === undefined ? 'zot does not report its version' : `zot ${running} runs`
  const there =
    newest === undefined ? '' : newest === running ? ', the newest that is known' : `, ${newest} is there`
  return `${runningText}${there}${checkedAt === undefined ? '' : `; checked ${relativeTime(checkedAt, now)}`}`
}

/** zotbar-registry has no versions of its own to choose from. */
function OtherEngine({ model }: { model: ViewModel }) {
  return (
    <div className="scroll">
      <section className="card pad at-hand" aria-label="This engine">
        <Icon name="engine" />
        <div>
          <h2>{engineName(model.snapshot)} changes together with Zotbar</h2>
          <p className="two">A newer Zotbar brings a newer one. Versions are chosen here for zot.</p>
          <p className="two">To serve the same images with zot, run this in a terminal:</p>
          <p className="cmd">
            <code>zotbar engine use zot</code>
            <Copy text="zotbar engine use zot" name="command" />
          </p>
        </div>
      </section>
    </div>
  )
}

function VersionList({
  rows,
  chosen,
  onPick,
  now,
}: {
  rows: ReleaseRow[]
  chosen: string
  onPick: (version: string) => void
  now: number
}) {
  return (
    <fieldset className="versions">
      <legend className="vh">Version</legend>
      {rows.map(row => (
        <label key={row.version}>
          <input
            type="radio"
            name="version"
            className="vh"
            checked={row.version === chosen}
            onChange={() => onPick(row.version)}
          />
          <span className="t">{row.version}</span>
          <span className="label">
            {row.publishedAt === undefined
              ? ''
              : relativeTime(row.publishedAt, now).replace(/^[A-Z][a-z]{2} /, '')}
          </span>
          <span className={row.bad ? 'small bad' : 'small two'}>{releaseState(row)}</span>
        </label>
      ))}
    </fieldset>
  )
}

function releaseState(row: ReleaseRow): string {
  if (row.running) return 'runs now'
  if (row.bad) return 'failed here before'
  if (row.installed) return row.older ? 'installed, older' : 'installed'
  return row.older ? 'older' : ''
}

function Release({ row, now }: { row: ReleaseRow; now: number }) {
  const facts: ReactNode[] = [
    ...(row.publishedAt === undefined
      ? []
      : [
          <Time key="at" at={row.publishedAt} exact={exactMoment(row.publishedAt)}>
            {longDate(row.publishedAt)}
          </Time>,
        ]),
    ...(row.bytes === undefined ? [] : [<span key="size">{bytes(row.bytes)}</span>]),
    <span key="digest" title={row.digest}>
      {row.digest === undefined ? 'no published digest' : 'with a published digest'}
    </span>,
  ]
  return (
    <>
      <div>
        <h2 className="version">{row.version}</h2>
        <p className="label facts-line">{facts}</p>
      </div>
      {row.bad && (
        <section className="card pad at-hand" aria-label="It failed here before">
          <Glyph name="down" />
          <div>
            <h3>It failed here {relativeTime(row.bad.at, now)}</h3>
            <p>{row.bad.reason}</p>
            <p className="small two">It is never taken by itself; you may try it again.</p>
          </div>
        </section>
      )}
      <section aria-labelledby="means">
        <header className="over">
          <h3 id="means">What {row.running ? 'it' : 'this release'} means for your configuration</h3>
        </header>
        {row.findings.length === 0 ? (
          <p className="small two">Nothing in config.json is touched by it.</p>
        ) : (
          <Findings findings={row.findings} label="Findings" />
        )}
      </section>
      <section aria-labelledby="notes">
        <header className="over">
          <h3 id="notes">Its notes</h3>
        </header>
        <ReleaseNotes notes={row.notes} />
      </section>
    </>
  )
}

function ChoiceFoot({
  state,
  chosen,
  waits,
  onChoose,
}: {
  state: UpgradeState
  chosen: ReleaseRow | undefined
  waits: boolean
  onChoose: (request: UpgradeRequest) => void
}) {
  const sameDirection = { undo: false, allowDowngrade: false }
  return (
    <footer className="run-foot">
      <p className="small two" role="status">
        {waits ? 'The plan is being made.' : 'The plan comes first; nothing changes before you begin.'}
      </p>
      <div className="tools">
        <FullOnly to="upgrade or go back">
          {state.back !== undefined && (
            <Button onPress={() => onChoose({ undo: true, allowDowngrade: false })}>
              Go back to {state.back}…
            </Button>
          )}
          {state.sourceBuild && (
            <Button
              onPress={() =>
                onChoose({ ...sameDirection, from: 'source', ...(chosen ? { to: chosen.version } : {}) })
              }
            >
              Build from source…
            </Button>
          )}
          {chosen && !chosen.running && (
            <Button
              kind={chosen.older || chosen.bad ? 'plain' : 'fill'}
              onPress={() => onChoose({ ...sameDirection, to: chosen.version, allowDowngrade: chosen.older })}
            >
              {chosen.older ? 'Install' : 'Upgrade to'} {chosen.version}…
            </Button>
          )}
        </FullOnly>
      </div>
    </footer>
  )
}
