import { homedir } from 'node:os'
import type { PushInProgress } from '../../contract/registry-state.ts'
import type { Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import { applyEdit, revertEdit } from '../advisories/apply-edit.ts'
import type { ReleaseAdvice } from '../advisories/release-advice.ts'
import type { Engines } from '../engine/engines.ts'
import { zotEngine } from '../engine/zot.ts'
import type { Engine } from '../platform/engine.ts'
import type { RegistryHttp } from '../platform/registry-http.ts'
import { freeSpace } from '../platform/volume.ts'
import { metricsPathIn } from '../registry-config/metrics-path.ts'
import { layoutIn, readTarget } from '../registry-config/preflight.ts'
import { registryRoot } from '../registry-config/public-url.ts'
import { configStamp, onceWritten, rootsOnceWritten, untilWritten } from '../registry-config/unfinished.ts'
import type { Obtained } from '../releases/release.ts'
import type { Releases } from '../releases/releases.ts'
import { verifyOnChange, verifyUnchanged } from '../releases/unchanged-file.ts'
import type { Settings } from '../settings/settings.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import { askPublicUrl, type PublicAnswer } from '../verify/public-url.ts'
import type { BuildOptions, UpgradeDeps } from './deps.ts'
import { type KeyChange, keyChangeIn } from './key-changes.ts'
import { createLibrary } from './library.ts'

export interface UpgradeWiring {
  home: string
  configFile: string
  engines: Engines
  settings: Settings
  clock: Clock
  supervisor: Supervisor
  releases: Releases
  advice: ReleaseAdvice
  build(version: string | undefined, options: BuildOptions): Promise<Result<Obtained>>
  current(): Engine
  use(engine: Engine): void
  /** Whether config.json can be read, and nobody else has the port or the data folders. */
  checkHolders(): Promise<Result<null>>
  registry: Pick<RegistryHttp, 'ask'>
  /** The app's own account in the registry. */
  account(): Promise<{ user: string } | undefined>
  authorization(): Promise<string | undefined>
  pushes(): Promise<PushInProgress[]>
  /** The newest lines of the registry's log, oldest first. */
  tail(count: number): Promise<string[]>
  notify(notice: Notice): void
  log(message: string, data?: Record<string, unknown>): void
}

/** How long a check of the user may take, in ms. */
const checkTimeoutMs = 300_000
const maxKeyChanges = 1000

/** The dependencies of an upgrade; `line` is to be called with every line of the registry's log. */
export function createUpgradeDeps(options: UpgradeWiring): UpgradeDeps & { line(text: string): void } {
  const { home, configFile, engines, settings, clock, supervisor, advice, registry, notify, log } = options
  const keyChanges: KeyChange[] = []

  return {
    home,
    configFile,
    clock,
    supervisor,
    log,
    library: createLibrary(home),
    releases: options.releases,
    verifyAgain: verifyOnChange(verifyUnchanged),
    build: options.build,
    current: options.current,
    use: options.use,
    engine: zotEngine,
    setEnginePath: path => settings.set('engine.path', path, 'cli'),
    inspect: options.checkHolders,
    configStamp: () => configStamp(configFile),
    accepts: (program, file, folder) =>
      onceWritten(file, clock, () => engines.verify(zotEngine(program, undefined), file, folder)),
    async advise(running, to) {
      // What is half written would hide what has to change.
      await untilWritten(configFile, clock)
      const { findings, edit, byHand } = await advice.advise(running, to)
      return {
        findings,
        ...(edit ? { edit: { ...edit, why: [edit.why, edit.note].filter(Boolean).join(' ') } } : {}),
        ...(byHand === undefined ? {} : { byHand }),
      }
    },
    applyEdit,
    revertEdit: revertEdit,
    advisories: async running => (running === undefined ? [] : advice.against(running)),
    roots: () => rootsOnceWritten(configFile, clock),
    pushes: options.pushes,
    freeSpace,
    ask: (path, options) => registry.ask(path, options),
    metricsPath: () => metricsPathIn(configFile),
    tail: options.tail,
    layout: () => layoutIn(configFile),
    known: new Map(),
    verification: () => ({
      readySeconds: settings.get('gate.readySeconds'),
      stableSeconds: settings.get('gate.stableSeconds'),
    }),
    async askPublicUrl(): Promise<PublicAnswer | undefined> {
      const target = await readTarget(configFile, 'zot')
      if (!target.ok || target.value.externalUrl === undefined) return undefined
      const url = registryRoot(target.value.externalUrl)
      return askPublicUrl({ url, authorization: await options.authorization() })
    },
    checks: () =>
      settings
        .get('gate.checks')
        .split('\n')
        .map(line => line.trim())
        .filter(line => line !== ''),
    async runCheck(line, signal) {
      const { localHost } = await import('../../ssh/local-host.ts')
      const ran = await localHost({ home: homedir(), clock }).run({ line, limitMs: checkTimeoutMs, signal })
      if (ran.kind === 'not-started') return `it cannot be started (${ran.error.code})`
      if (ran.kind === 'too-slow') return `it did not end within ${checkTimeoutMs / 1000} s`
      if (ran.kind === 'cancelled') return 'it was cancelled'
      if (ran.kind !== 'ended') return 'it was lost'
      if (ran.code === 0) return undefined
      const last = `${ran.stdout}\n${ran.stderr}`.trim().split('\n').at(-1) ?? ''
      return `it ended with code ${ran.code}${last === '' ? '' : `: ${last.slice(0, 200)}`}`
    },
    keys: {
      async since(at) {
        const lines = await options.tail(5000).catch(() => [])
        const all = [...keyChanges, ...lines.flatMap(text => keyChangeIn(text) ?? [])].filter(
          change => change.at >= at,
        )
        return [
          ...new Map(
            all.map(change => [`${change.kind} ${change.at} ${change.user} ${change.uuid}`, change]),
          ).values(),
        ]
      },
      ownUser: async () => (await options.account())?.user,
      async revoke(uuid) {
        const path = `/zot/auth/apikey?id=${encodeURIComponent(uuid)}`
        const response = await registry.ask(path, { method: 'DELETE', onlyKnown: true })
        return response.ok && response.value.status === 200
      },
    },
    reportKeys({ made, toRevoke }) {
      if (made.length + toRevoke.length === 0) return
      const at = clock.now()
      notify({ kind: 'keys-after-rollback', id: `keys-after-rollback:${at}`, at, made, toRevoke })
    },
    reportDatabases(databases) {
      const at = clock.now()
      notify({ kind: 'databases-stay', id: `databases-stay:${at}`, at, ...databases })
    },
    line(text) {
      const change = keyChangeIn(text)
      if (change === undefined) return
      keyChanges.push(change)
      if (keyChanges.length > maxKeyChanges) keyChanges.shift()
    },
  }
}
