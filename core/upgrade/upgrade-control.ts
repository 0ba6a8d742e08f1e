import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { UpgradePlan } from '../../contract/upgrade.ts'
import { compareVersions, isVersion } from '../platform/zot-version.ts'
import type { Release } from '../releases/release.ts'
import type { InterruptedRun, RunbookKind } from '../runbook/runbook-kind.ts'
import type { Runs } from '../runbook/runs.ts'
import { snapshotFolder } from './change-steps.ts'
import { type InstalledZot, type UpgradeMemory, upgradeMemory, upgradeName } from './memory.ts'
import { originOf, planUpgrade, refusalFinding, upgradeRunbook } from './runbook.ts'
import { createUpgradeSchedule } from './schedule.ts'
import { markOutdated } from './snapshot.ts'
import { createUpgradeDeps, type UpgradeWiring } from './upgrade-deps.ts'
import { installedVersions, newestRelease, previousVersion, releaseRows } from './versions.ts'

interface Options extends UpgradeWiring {
  shell: 'electron' | 'headless'
  runs: Pick<Runs, 'start' | 'blocked' | 'current' | 'handlers'>
  /** The version that runs, as far as it is known. */
  running(): string | undefined
  /** A recipe for a build from source is set up. */
  canBuild(): boolean
  onChange(): void
}

type Begin = Parameters<ZotbarHandlers['upgrade']['begin']>[0]

export interface UpgradeControl {
  handlers: Pick<ZotbarHandlers, 'upgrade'>
  kinds: Record<string, RunbookKind>
  /** The newest release that is known and newer than what runs. */
  newest(): string | undefined
  /** Every line of the registry's log. */
  line(text: string): void
  /** Begins the daily look at the list of releases, where the settings want it. */
  begin(): void
  close(): void
}

/** Versions of zot, and the runbook that changes them. */
export function createUpgradeControl(options: Options): UpgradeControl {
  const { home, clock, settings, supervisor, releases, advice, engines, current, use, runs, log } = options
  const deps = createUpgradeDeps(options)
  const { library } = deps

  const kind: RunbookKind = {
    deserialize(memory) {
      const read = v.safeParse(upgradeMemory, memory)
      return read.success ? upgradeRunbook(read.output, deps) : undefined
    },
    resumes: begun => begun('swap'),
    recover: interrupted => recover(interrupted, v.parse(upgradeMemory, interrupted.memory)),
    async servesMeanwhile(memory) {
      const read = v.safeParse(upgradeMemory, memory)
      if (read.success) await markOutdated(snapshotFolder(deps, read.output))
    },
  }

  /**
   * The link says which version would start. One that has still to prove itself, or is being left, is not started beside
   * the run: what runs and is wanted is adopted, anything else is stopped, and the run starts what it needs.
   */
  async function recover(interrupted: InterruptedRun, memory: UpgradeMemory): Promise<void> {
    const running = await supervisor.recorded()
    const to = memory.to && (await realpath(memory.to.path).catch(() => undefined))
    const linked = to !== undefined && (await library.activeProgram()) === to
    const keeps = interrupted.resumes ? to !== undefined && running?.executable === to : !linked
    log('an interrupted upgrade is brought to its end', { resumes: interrupted.resumes, keeps })
    const begun = interrupted.inThisLife ? undefined : supervisor.begin()
    const stopped = keeps ? undefined : supervisor.stop()
    await begun
    // What serves in this life was started beside the run: the run begins with nothing running.
    if (interrupted.inThisLife) await stopped
    void interrupted.resume().then(() => (interrupted.serves ? serveAgain() : undefined))
  }

  /** Whatever came of a run, the registry is to serve: with the version that the link and the settings name. */
  async function serveAgain(): Promise<void> {
    if (supervisor.state().kind !== 'stopped') return
    const engine = await engines.locate({ id: settings.get('engine'), path: settings.get('engine.path') })
    if (engine.ok) use(engine.value)
    void supervisor.start()
  }

  /** False where it broke off: whoever takes it up again sees to the rest. */
  async function untilEnd(run: string): Promise<boolean> {
    for (let after = 0; ; ) {
      const told = await runs.handlers.runbooks.state({ run, after, waitMs: 20_000 }, 'cli')
      if (!told.ok || told.value.end) return runs.current()?.run !== run
      after = told.value.next
    }
  }

  interface Wanted {
    version?: string
    source?: string
    to?: InstalledZot
    release?: Release
    needless: boolean
  }

  async function wantedBy({ to, from, undo }: Begin): Promise<Result<Wanted>> {
    const running = options.running() ?? current().version
    if (undo) {
      const back = await previousVersion(library)
      if (!back) return fail({ code: 'no-earlier-version' })
      return ok({ version: back.version, to: back, needless: false })
    }
    if (from !== undefined) {
      if (from === 'source' && !options.canBuild())
        return options.build(to, nothing()) as Promise<Result<never>>
      return ok({ source: from, ...(to === undefined ? {} : { version: to }), needless: false })
    }
    const listed = await releases.list()
    if (to !== undefined && (!listed.ok || listed.value.trouble)) {
      // What is here needs no network; it is looked at like a file of the user's.
      const here = (await library.list()).find(place => place.version === to)
      if (here) return ok({ version: to, source: here.path, needless: to === running })
    }
    if (!listed.ok) return listed
    const isNewer = (version: string | undefined): boolean =>
      version !== undefined &&
      (running === undefined || !isVersion(running) || compareVersions(version, running) > 0)
    const all = listed.value.releases
    const good = newestRelease(all, await library.bad())
    // Where only a version is newer that failed here, the run says so.
    const version = to ?? (isNewer(good) ? good : newestRelease(all, {}))
    if (version === undefined) return fail(listed.value.trouble ?? noRelease(settings.get('releases.url')))
    // The newest is not newer: what runs stays.
    if (to === undefined && running !== undefined && !isNewer(version))
      return ok({ version: running, needless: true })
    const release = await releases.find(version)
    if (!release.ok) return release
    return ok({ version, release: release.value, needless: version === running })
  }

  function memoryFor(begin: Begin, wanted: Wanted): UpgradeMemory {
    const at = clock.now()
    const id = `${new Date(at).toISOString().replace(/[-:.]/g, '')}-${process.pid}`
    const work = join(home, 'upgrades', id)
    const { command } = current()
    const version = options.running() ?? current().version
    return {
      id,
      work,
      censusFile: join(work, 'census.json'),
      from: {
        command,
        settingPath: settings.get('engine.path'),
        ...(version === undefined ? {} : { version }),
      },
      ...(wanted.version === undefined ? {} : { version: wanted.version }),
      ...(wanted.source === undefined ? {} : { source: wanted.source }),
      ...(wanted.to ? { to: wanted.to } : {}),
      undo: begin.undo,
      yes: begin.yes,
      allowDowngrade: begin.allowDowngrade,
      named: begin.undo || begin.to !== undefined || begin.from !== undefined,
      needless: wanted.needless,
    }
  }

  async function plan(begin: Begin, wanted: Result<Wanted>): Promise<UpgradePlan> {
    const engine = current().id
    const pinned = settings.get('releases.publicKey') !== ''
    const problems: Failure[] = []
    if (engine !== 'zot') problems.push({ code: 'upgrade-needs-zot', engine })
    else if (!wanted.ok) problems.push(wanted.error)
    else {
      const inspected = await deps.inspect()
      if (!inspected.ok) problems.push(inspected.error)
    }
    const known = wanted.ok && engine === 'zot' ? wanted.value : { needless: false }
    return planUpgrade(memoryFor(begin, known), deps, {
      origin: originOf('release' in known ? known.release : undefined, pinned),
      trouble: problems.map(error => {
        const { title, steps } = failureMessage(error)
        return refusalFinding(error.code, [`${title}.`, ...steps].join(' '), JSON.stringify(error))
      }),
    })
  }

  async function begin(input: Begin, by: string): Promise<Result<{ run: string } | { plan: UpgradePlan }>> {
    const { to, from, undo, dryRun } = input
    const wrong = (field: string, allowed: string): Result<never> =>
      fail({ code: 'bad-input', field, wrong: 'given with --undo', allowed })
    if (undo && to !== undefined) return wrong('to', 'nothing: --undo goes to the version before')
    if (undo && from !== undefined) return wrong('from', 'nothing: --undo needs no download')
    if (from !== undefined && from !== 'source' && by !== 'cli')
      return fail({ code: 'setting-not-allowed-here', key: 'from' })
    const engine = current().id
    if (engine !== 'zot' && !dryRun) return fail({ code: 'upgrade-needs-zot', engine })
    const blocked = runs.blocked()
    if (blocked && !dryRun) return fail(blocked)
    const wanted: Result<Wanted> = engine === 'zot' ? await wantedBy(input) : ok({ needless: false })
    if (dryRun) return ok({ plan: await plan(input, wanted) })
    if (!wanted.ok) return wanted
    // One that the user had stopped stays so, unless the new version was started to prove itself.
    const stopped = supervisor.state().kind === 'stopped'
    const begun = await runs.start(upgradeRunbook(memoryFor(input, wanted.value), deps), by)
    if (begun.ok && !stopped) void untilEnd(begun.value.run).then(ended => (ended ? serveAgain() : undefined))
    return begun
  }

  const schedule = createUpgradeSchedule({
    home,
    clock,
    releases,
    log,
    wanted: () => options.shell === 'headless' && settings.get('upgrade.schedule') === 'weekly',
    async newest(listed) {
      const running = options.running()
      const version = newestRelease(listed, await library.bad())
      if (version === undefined || running === undefined || current().id !== 'zot') return undefined
      return isVersion(running) && compareVersions(version, running) > 0 ? version : undefined
    },
    async upgrade() {
      const wish = { dryRun: false, undo: false, yes: true, allowDowngrade: false }
      const begun = await begin(wish, 'schedule')
      log('an upgrade that was due', begun.ok ? { begun: true } : { ...begun.error })
    },
    onChange: options.onChange,
  })

  return {
    handlers: {
      upgrade: {
        async state() {
          const running = options.running()
          const [cached, bad, back] = await Promise.all([
            releases.cached(),
            library.bad(),
            previousVersion(library),
          ])
          const { id, command } = current()
          const newest = cached && newestRelease(cached.releases, bad)
          return ok({
            engine: id,
            ...(running === undefined ? {} : { running }),
            ...(newest === undefined ? {} : { newest }),
            ...(cached ? { checkedAt: cached.asOf } : {}),
            ...(back ? { back: back.version } : {}),
            installed: await installedVersions(library, id === 'zot' ? command : undefined),
            findings: id === 'zot' ? await deps.advisories(running) : [],
            sourceBuild: options.canBuild(),
            schedule: settings.get('upgrade.schedule'),
          })
        },
        async releases({ fresh }) {
          const cached = fresh ? undefined : await releases.cached()
          const listed = cached ? ok(cached) : await releases.list()
          if (!listed.ok) return listed
          const { releases: all, asOf, trouble } = listed.value
          if (!cached) schedule.looked(all)
          const running = options.running()
          const findings = (version: string) => advice.findings(running, version)
          const rows = await releaseRows(all, { library, running, findings })
          return ok({ releases: rows, asOf, ...(trouble ? { trouble } : {}) })
        },
        begin: (input, caller) => begin(input, caller),
      },
    },
    kinds: { [upgradeName]: kind },
    newest: schedule.newest,
    line: deps.line,
    begin: schedule.begin,
    close: schedule.close,
  }
}

const noRelease = (url: string): Failure => ({ code: 'release-not-found', version: 'newest', url })

const nothing = () => ({ to: '', signal: AbortSignal.abort(), onOutput: () => {} })
