import { readFile } from 'node:fs/promises'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { longDate } from '../../contract/messages/format.ts'
import { ok, type Result } from '../../contract/result.ts'
import type { Finding } from '../../contract/runbook.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { Web } from '../platform/web.ts'
import type { AdvisorySet } from './advisory-schema.ts'
import type { ConfigEdit, EditAnswer } from './config-edit.ts'
import { openAdvisoryStore } from './fetched-advisories.ts'

interface Options {
  home: string
  configFile: string
  web: Web
  now(): number
  /** The setting `advice.url`; empty: none. */
  url(): string
  /** The setting `upgrade.timeLimits`: the edit that sets them is agreed to. */
  timeLimits(): boolean
  report(setAside: SetAside): void
  log(message: string): void
  onChange(): void
}

/** What releases mean for config.json, and which advisories the glance shows. */
export interface ReleaseAdvice extends Advice {
  /** Looks anew when another process serves, or it turned out to be another version. */
  running(engine: Snapshot['engine'], pid: number | undefined): void
  /** Of the version that runs; none while they are looked up. */
  advisories(version: string | undefined): Finding[]
}

/** Joins the advisories about releases with the version that runs. */
export function createReleaseAdvice({ timeLimits, log, onChange, ...options }: Options): ReleaseAdvice {
  const advice = createAdvice({
    ...options,
    accepted: () => (timeLimits() ? ['request-time-limits'] : []),
  })
  let advisories: { of: string; findings: Finding[] } | undefined
  let current: { version: string; pid: number } | undefined

  function running({ id, version }: Snapshot['engine'], pid: number | undefined): void {
    if (pid === undefined) return
    if (id !== 'zot' || version === undefined) {
      current = undefined
      advisories = undefined
      return
    }
    if (current?.version === version && current.pid === pid) return
    const now = { version, pid }
    current = now
    void update(now)
  }

  async function update(at: { version: string; pid: number }): Promise<void> {
    try {
      const checked = await advice.against(at.version)
      if (current !== at) return
      const found = { of: at.version, findings: checked }
      const isSame = JSON.stringify(found) === JSON.stringify(advisories)
      advisories = found
      if (!isSame) onChange()
    } catch (error) {
      log(`advisories could not be looked up: ${String(error)}`)
    }
  }

  return {
    ...advice,
    running,
    advisories: version => (advisories?.of === version ? (advisories?.findings ?? []) : []),
    async advise(running, to) {
      const advised = await advice.advise(running, to)
      if (current) void update(current)
      return advised
    },
    async refresh(signal) {
      const fetched = await advice.refresh(signal)
      if (fetched.ok && current) await update(current)
      return fetched
    },
  }
}

export interface AdviceOptions {
  home: string
  configFile: string
  web: Web
  now(): number
  /** The setting `advice.url`; empty: none. */
  url(): string
  /** Ids of edits that are not required and that the user agreed to. */
  accepted(): readonly string[]
  report(setAside: SetAside): void
}

/** Advisories from an address are asked for again after so long, in ms; one that failed, after a shorter time. */
const freshMs = 60 * 60_000
const retryDelayMs = 5 * 60_000

/** Where the advisories come from: shipped ones as of a day, and others fetched from an address. */
interface AdvisorySource {
  asOf: string
  more?: { url: string; at: number }
}

/** What releases mean for the config.json that is there, read anew each time. A file that is gone reads as no JSON. */
export interface Advice {
  findings(running: string | undefined, to: string | undefined): Promise<Finding[]>
  /** What behaves otherwise with `to` than with `before`, and what it refuses; nothing of advisories. */
  changes(before: string, to: string): Promise<Finding[]>
  /** Advisories against `running` that this configuration does not keep out of reach. */
  against(running: string): Promise<Finding[]>
  /** The required edits, and those that the user agreed to. */
  edit(running: string | undefined, to: string): Promise<EditAnswer>
  /** Both together, for a change to `to`, with a finding about those from an address. Fetches those that are old. */
  advise(
    running: string | undefined,
    to: string,
  ): Promise<{ findings: Finding[]; edit?: ConfigEdit; byHand?: string }>
  /** The version of Go that a build of this release needs; undefined where it is not known. */
  goFor(version: string): Promise<string | undefined>
  /** Fetches more advisories, where the settings name an address. */
  refresh(signal?: AbortSignal): Promise<Result<AdvisorySource>>
  source(): Promise<AdvisorySource>
}

/** The tables and the parser are loaded with the first question: an idle app does without them. */
export function createAdvice({ configFile, accepted, ...options }: AdviceOptions): Advice {
  const store = openAdvisoryStore(options)

  async function gather(): Promise<{ advisorySet: AdvisorySet; source: AdvisorySource }> {
    const [{ shippedAdvisories }, { withFetched }, stored] = await Promise.all([
      import('./shipped-advisories.ts'),
      import('./advisory-schema.ts'),
      store.stored(),
    ])
    const advisorySet = withFetched(shippedAdvisories, stored?.facts)
    const more = stored && { url: stored.url, at: stored.at }
    return { advisorySet, source: { asOf: advisorySet.asOf, ...(more ? { more } : {}) } }
  }

  let triedAt: number | undefined
  let trouble: Failure | undefined
  let fetching: Promise<void> | undefined

  /** Advisories from the address that is set, fetched anew where they are old. A failure becomes a finding, and those that were known stay. */
  function upToDate(): Promise<void> {
    fetching ??= (async () => {
      const now = options.now()
      const stored = await store.stored()
      const isFresh = stored !== undefined && stored.at <= now && now - stored.at < freshMs
      const isTooSoon = triedAt !== undefined && triedAt <= now && now - triedAt < retryDelayMs
      if (options.url() === '' || isFresh || isTooSoon) return
      await refresh()
    })().finally(() => {
      fetching = undefined
    })
    return fetching
  }

  async function refresh(signal?: AbortSignal): Promise<Result<AdvisorySource>> {
    triedAt = options.now()
    const fetched = await store.fetch(signal)
    trouble = fetched.ok ? undefined : fetched.error
    return fetched.ok ? ok((await gather()).source) : fetched
  }

  async function fetchedFindings(): Promise<Finding[]> {
    const url = options.url()
    if (url === '') return []
    const { source } = await gather()
    const used = source.more
      ? `Advisories of ${source.asOf}, fetched on ${longDate(source.more.at)}, are used besides those that come with Zotbar.`
      : `Only those that come with Zotbar are used, of ${source.asOf}.`
    const message = trouble && failureMessage(trouble)
    const reason = message ? `${message.title}: ${message.steps[0] ?? ''} ` : ''
    return [
      { id: 'more-facts', severity: trouble ? 'warning' : 'info', evidence: url, advice: `${reason}${used}` },
    ]
  }

  async function config() {
    const text = await readFile(configFile, 'utf8').catch(() => '')
    return { file: configFile, text }
  }

  const advice: Advice = {
    async findings(running, to) {
      const { findingsFor } = await import('./advisory-findings.ts')
      return findingsFor({ running, to, config: await config(), advisorySet: (await gather()).advisorySet })
    },
    async changes(before, to) {
      const { changesBetween } = await import('./advisory-findings.ts')
      const { advisorySet } = await gather()
      return changesBetween({ running: before, to, config: await config(), advisorySet })
    },
    async against(running) {
      const { advisoriesAgainst } = await import('./advisory-findings.ts')
      return advisoriesAgainst({ running, config: await config(), advisorySet: (await gather()).advisorySet })
    },
    async edit(running, to) {
      const { editFor } = await import('./config-edit.ts')
      const { advisorySet } = await gather()
      return editFor({ running, to, config: await config(), accepted: accepted(), advisorySet })
    },
    async advise(running, to) {
      await upToDate()
      const findings = [...(await advice.findings(running, to)), ...(await fetchedFindings())]
      const { edit, byHand } = await advice.edit(running, to)
      if (byHand === undefined) return { findings, ...(edit ? { edit } : {}) }
      const atHand: Finding = {
        id: 'edit-by-hand',
        severity: 'warning',
        evidence: configFile,
        advice: byHand,
      }
      return { findings: [...findings, atHand], byHand }
    },
    async goFor(version) {
      return (await gather()).advisorySet.releases.find(release => release.version === version)?.go
    },
    refresh,
    source: async () => (await gather()).source,
  }
  return advice
}
