import { actorOf, type Caller } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { UpgradePlan } from '../../contract/upgrade.ts'
import type { Keeper } from '../../lib/keeper-file.ts'
import { compareVersions, isComparable } from '../platform/zot-version.ts'
import type { RunbookKind } from '../runbook/runbook-kind.ts'
import type { Runs } from '../runbook/runs.ts'
import type { UpgradeDeps } from './deps.ts'
import { upgradeName } from './memory.ts'
import { originOf, planUpgrade, refusalFinding, upgradeRunbook } from './runbook.ts'
import { createUpgradeSchedule } from './schedule.ts'
import { createUpgradeDeps, type UpgradeWiring } from './upgrade-deps.ts'
import { serveAgain, upgradeKind } from './upgrade-kind.ts'
import {
  findTarget,
  memoryFor,
  refuseRequest,
  refuseSource,
  type UpgradeRequest,
  type UpgradeTarget,
} from './upgrade-request.ts'
import { installedVersions, newestRelease, previousVersion, releaseRows } from './versions.ts'

interface Options extends UpgradeWiring {
  keeper: Keeper
  runs: Pick<Runs, 'start' | 'blocked' | 'current' | 'handlers'>
  /** The version that runs, as far as it is known. */
  running(): string | undefined
  onChange(): void
}

export interface UpgradeControl {
  handlers: Pick<ZotbarHandlers, 'upgrade'>
  /** As `begin` of the handlers, but its `from` is a path that the core found, whoever asks; `note`: why something else that was asked for is an upgrade. */
  changeVersion(
    request: UpgradeRequest,
    caller: Caller | 'schedule',
    note?: string,
  ): Promise<Result<{ run: string } | { plan: UpgradePlan }>>
  kinds: Record<string, RunbookKind>
  /** The newest release that is known and newer than what runs. */
  newest(): string | undefined
  /** Takes every line of the registry's log. */
  line(text: string): void
  /** Begins to check the list of releases daily, where the settings want it. */
  begin(): void
  close(): void
}

/** Versions of zot, and the runbook that changes them. */
export function createUpgradeControl(options: Options): UpgradeControl {
  const { home, clock, settings, supervisor, releases, advice, engines, current, running, runs, log } =
    options
  const deps = createUpgradeDeps(options)
  const { library } = deps
  const requestDeps = { home, clock, settings, library, releases, current, running }
  const recovery = { deps, supervisor, engines, settings }

  const memoryOf = (request: UpgradeRequest, target: UpgradeTarget, note: string | undefined) => ({
    ...memoryFor(request, target, requestDeps),
    ...(note === undefined ? {} : { note }),
  })

  async function plan(
    request: UpgradeRequest,
    target: Result<UpgradeTarget>,
    note: string | undefined,
  ): Promise<UpgradePlan> {
    const engine = current().id
    const problems: Failure[] = []
    if (engine !== 'zot') problems.push({ code: 'upgrade-needs-zot', engine })
    else if (!target.ok) problems.push(target.error)
    else {
      const inspected = await deps.inspect()
      if (!inspected.ok) problems.push(inspected.error)
    }
    const known: UpgradeTarget = target.ok && engine === 'zot' ? target.value : { needless: false }
    return planUpgrade(memoryOf(request, known, note), deps, {
      origin: originOf(known.release, settings.get('releases.publicKey') !== ''),
      trouble: problems.map(asFinding),
    })
  }

  async function begin(
    request: UpgradeRequest,
    caller: Caller | 'schedule',
    note?: string,
  ): Promise<Result<{ run: string } | { plan: UpgradePlan }>> {
    const refused = refuseRequest(request)
    if (refused) return fail(refused)
    const { dryRun } = request
    const engine = current().id
    if (engine !== 'zot' && !dryRun) return fail({ code: 'upgrade-needs-zot', engine })
    const blocked = runs.blocked()
    if (blocked && !dryRun) return fail(blocked)
    const target: Result<UpgradeTarget> =
      engine === 'zot' ? await findTarget(request, requestDeps) : ok({ needless: false })
    if (dryRun) return ok({ plan: await plan(request, target, note) })
    if (!target.ok) return target
    // A registry that the user had stopped stays so, unless the new version was started to prove itself.
    const wasStopped = supervisor.state().kind === 'stopped'
    const begun = await runs.start(
      upgradeRunbook(memoryOf(request, target.value, note), deps),
      caller === 'schedule' ? caller : actorOf(caller),
    )
    if (begun.ok && !wasStopped)
      void hasEnded(begun.value.run, runs).then(ended => (ended ? serveAgain(recovery) : undefined))
    return begun
  }

  const schedule = createUpgradeSchedule({
    home,
    clock,
    releases,
    log,
    wanted: () => options.keeper !== 'app' && settings.get('upgrade.schedule') === 'weekly',
    async newest(listed) {
      const version = newestRelease(listed, await library.bad())
      const now = running()
      if (version === undefined || now === undefined || current().id !== 'zot') return undefined
      return isComparable(now) && compareVersions(version, now) > 0 ? version : undefined
    },
    async upgrade() {
      const request = { dryRun: false, undo: false, yes: true, allowDowngrade: false }
      const begun = await begin(request, 'schedule')
      log('an upgrade that was due', begun.ok ? { begun: true } : { ...begun.error })
    },
    onChange: options.onChange,
  })

  return {
    handlers: {
      upgrade: {
        state: async () => ok(await stateOf(options, deps)),
        async releases({ fresh }) {
          const cached = fresh ? undefined : await releases.cached()
          const listed = cached ? ok(cached) : await releases.list()
          const now = current().id === 'zot' ? running() : undefined
          const findings = (version: string) => advice.findings(now, version)
          const rowOptions = { library, running: now, findings }
          if (!listed.ok) {
            // What is here needs no list.
            const rows = await releaseRows([], rowOptions)
            return rows.length === 0 ? listed : ok({ releases: rows, trouble: listed.error })
          }
          const { releases: all, asOf, trouble } = listed.value
          if (!cached) schedule.updateNewest(all)
          const rows = await releaseRows(all, rowOptions)
          return ok({ releases: rows, asOf, ...(trouble ? { trouble } : {}) })
        },
        async begin(request, caller) {
          const refused = refuseSource(request, caller)
          return refused ? fail(refused) : begin(request, caller)
        },
      },
    },
    changeVersion: begin,
    kinds: { [upgradeName]: upgradeKind(recovery) },
    newest: schedule.newest,
    line: deps.line,
    begin: schedule.begin,
    close: schedule.close,
  }
}

/** What is installed, what runs, and what is known of newer versions. */
async function stateOf(
  { releases, current, running, settings }: Options,
  { library, advisories }: Pick<UpgradeDeps, 'library' | 'advisories'>,
) {
  const version = running()
  const [cached, bad, previous] = await Promise.all([
    releases.cached(),
    library.bad(),
    previousVersion(library),
  ])
  const { id, command } = current()
  const newest = cached && newestRelease(cached.releases, bad)
  return {
    engine: id,
    ...(version === undefined ? {} : { running: version }),
    ...(newest === undefined ? {} : { newest }),
    ...(cached ? { checkedAt: cached.asOf } : {}),
    ...(previous ? { back: previous.version } : {}),
    installed: await installedVersions(library, id === 'zot' ? command : undefined),
    findings: id === 'zot' ? await advisories(version) : [],
    sourceBuild: true,
    schedule: settings.get('upgrade.schedule'),
  }
}

/** Resolves at the end of a run; false where it broke off, as whoever resumes it sees to the rest. */
async function hasEnded(run: string, runs: Options['runs']): Promise<boolean> {
  for (let after = 0; ; ) {
    const read = await runs.handlers.runbooks.state({ run, after, waitMs: 20_000 }, 'cli')
    if (!read.ok || read.value.end) return runs.current()?.run !== run
    after = read.value.next
  }
}

function asFinding(error: Failure) {
  const { title, steps } = failureMessage(error)
  return refusalFinding(error.code, [`${title}.`, ...steps].join(' '), '')
}
