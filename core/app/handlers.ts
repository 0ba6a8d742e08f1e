import { type Actor, actorOf } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SettingChanged, SettingRow } from '../../contract/setting.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { KeyWatch } from '../notices/key-watch.ts'
import type { NoticeControl } from '../notices/notice-control.ts'
import { maskSecretsIn } from '../platform/secret-text.ts'
import type { Credential } from '../registry-client/admin.ts'
import type { Images } from '../registry-client/images/images.ts'
import type { Keys } from '../registry-client/keys.ts'
import type { RotationHandlers } from '../rotation/rotation-handlers.ts'
import type { Settings } from '../settings/settings.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { ShellConnections } from '../transport/shell-connections.ts'
import type { ProgramControl } from './wiring.ts'

/** What the commands are done with. */
export interface HandlerDeps {
  supervisor: Supervisor
  settings: Settings
  images: Images
  keys: Keys
  admin: { show(): Promise<Result<Credential>>; reset(): Promise<Result<Credential>> }
  /** The groups that the controls of runbooks answer themselves. */
  runbooks: Pick<ZotbarHandlers, 'engine' | 'runbooks' | 'upgrade'>
  /** The commands about managed keys. */
  rotation: RotationHandlers
  notices: NoticeControl['handlers']
  keyWatch: Pick<KeyWatch, 'listed' | 'changed'>
  olderSecrets: ZotbarHandlers['secrets']
  data: ZotbarHandlers['data']
  config: ZotbarHandlers['config']
  /** Checks whether what serves still has its data folder. */
  checkFolder(): Promise<void>
  /** What is under way on the registry and must not be disturbed. */
  busyWith(): string | undefined
  /** The same, but for what only a start would disturb. */
  runUnderWay(): string | undefined
  /** What a hand-over to another core would interrupt. */
  handOverBusy(): string | undefined
  /** Whether the registry could be started as config.json is now. */
  ready(): Promise<Result<unknown>>
  /** Changes the setting `registry.open`, with what it agrees to. */
  setOpen(value: SettingRow['value'] | null, by: Actor): Promise<Result<SettingChanged>>
  snapshot(): Snapshot
  /** The newest lines of the registry's log, oldest first. */
  tail(count: number): Promise<string[]>
  capabilities: ProgramControl
  shells: Pick<ShellConnections, 'ask' | 'handlers'>
  logFolder: string
}

/** The core's side of the contract: every command, mapped to what does it. */
export function createHandlers(deps: HandlerDeps): ZotbarHandlers {
  return {
    app: appHandlers(deps),
    registry: registryHandlers(deps),
    shell: deps.shells.handlers,
    secrets: deps.olderSecrets,
    data: deps.data,
    config: deps.config,
    logs: {
      async tail({ lines }, caller) {
        const newest = await deps.tail(lines)
        return ok({ lines: actorOf(caller) === 'dashboard' ? newest.map(maskSecretsIn) : newest })
      },
    },
    images: imageHandlers(deps),
    keys: keyHandlers(deps),
    admin: { show: () => deps.admin.show(), reset: () => deps.admin.reset() },
    ...deps.runbooks,
    settings: settingHandlers(deps),
  }
}

const appHandlers = ({
  snapshot,
  capabilities,
  shells,
  logFolder,
  handOverBusy,
}: HandlerDeps): ZotbarHandlers['app'] => ({
  snapshot: async () => ok(snapshot()),
  dashboardLink: async () => {
    const link = capabilities.dashboardLink?.() ?? fail({ code: 'dashboard-off' })
    return link.ok ? ok({ url: link.value }) : link
  },
  async open({ what }, _, connection) {
    const opened = await shells.ask({ kind: 'open', what }, { connection })
    if (opened.ok)
      return opened.value.kind === 'failed'
        ? fail({ code: 'unexpected', where: opened.value.where })
        : ok(null)
    const isMissing = opened.error.code === 'no-screen' && what === 'log-folder'
    return isMissing ? fail({ ...opened.error, path: logFolder }) : opened
  },
  quit: async ({ keepServing }) => {
    capabilities.quit(keepServing === undefined ? {} : { keepServing })
    return ok(null)
  },
  async sessionEnds() {
    // A service hears it from its manager, and a terminal may outlive the session of the screen.
    if (snapshot().app.keeper === 'app') capabilities.quit({ sessionEnds: true })
    return ok(null)
  },
  async woke() {
    capabilities.woke?.()
    return ok(null)
  },
  async handOver(request) {
    const { handOver } = capabilities
    if (!handOver) return fail({ code: 'hand-over-refused', reason: 'it runs within another program' })
    const busy = handOverBusy()
    return busy === undefined ? handOver(request, handOverBusy) : fail({ code: 'busy', with: busy })
  },
  revokeSessions: async () => capabilities.revokeSessions?.() ?? fail({ code: 'dashboard-off' }),
})

function registryHandlers(deps: HandlerDeps): ZotbarHandlers['registry'] {
  const { supervisor, busyWith, runUnderWay, snapshot } = deps

  /** Not while a runbook is under way; answers what is shown then. */
  async function unlessBusy(
    command: () => Promise<Result<ProcessState>>,
    busy = busyWith(),
  ): Promise<Result<Snapshot>> {
    if (busy !== undefined) return fail({ code: 'busy', with: busy })
    const result = await command()
    return result.ok ? ok(snapshot()) : result
  }

  return {
    start: () => unlessBusy(() => supervisor.start()),
    stop: () => unlessBusy(() => supervisor.stop(), runUnderWay()),
    async restart({ now }) {
      // A registry that serves is not stopped for a config that would not bring it back.
      const serves = supervisor.state().kind === 'serving'
      const checked = serves ? await deps.ready() : ok(null)
      return checked.ok ? unlessBusy(() => supervisor.restart({ now })) : checked
    },
    async lookAgain() {
      await deps.checkFolder()
      await supervisor.checkAgain()
      return ok(snapshot())
    },
    cancel: async () => {
      const busy = runUnderWay()
      return busy === undefined ? supervisor.cancel() : fail({ code: 'busy', with: busy })
    },
  }
}

const imageHandlers = ({ images }: HandlerDeps): ZotbarHandlers['images'] => ({
  list: ({ repository, after, limit }) =>
    images.list({
      limit,
      ...(repository === undefined ? {} : { repository }),
      ...(after === undefined ? {} : { after }),
    }),
  show: named => images.show(named),
  delete: named => images.delete(named),
})

const keyHandlers = ({ keys, keyWatch, rotation, notices }: HandlerDeps): ZotbarHandlers['keys'] => ({
  list: async () => {
    const listed = await keys.list()
    if (listed.ok) keyWatch.listed(listed.value)
    return listed.ok ? ok({ ...listed.value, keys: rotation.marked(listed.value.keys) }) : listed
  },
  async create(request, caller) {
    const created = await keys.create(request, caller)
    keyWatch.changed()
    return created
  },
  reveal: async ({ uuid }) => keys.reveal(uuid),
  async revoke({ uuid, descendants }) {
    const revoked = await keys.revoke(uuid, descendants)
    keyWatch.changed()
    return revoked
  },
  ...rotation.keys,
  ...notices.keys,
})

const settingHandlers = ({ settings, snapshot, setOpen }: HandlerDeps): ZotbarHandlers['settings'] => ({
  list: async (_, caller) => ok({ settings: settings.all({ masked: caller !== 'cli' }) }),
  get: async ({ key }, caller) => settings.row(key, { masked: caller !== 'cli' }),
  async set({ key, value }, caller) {
    const runbook = runbookFor(key, value, settings)
    const isRegistryPort =
      key === 'dashboard.port' && Number(value ?? Number.NaN) === snapshot().registry.port
    if (isRegistryPort) {
      const allowed = "a whole number, 0 to 65535, other than the registry's own port"
      return fail({ code: 'bad-setting', key, wrong: String(value), allowed })
    }
    const via = caller === 'cli' || caller === 'agreed' ? 'cli' : 'any'
    if (key === 'registry.open' && via === 'cli') return setOpen(value, actorOf(caller))
    return runbook === undefined
      ? settings.set(key, value, via)
      : fail({ code: 'setting-by-runbook', key, use: runbook })
  },
})

/** The command for a change that only a runbook makes, as it checks the engine and goes back by itself. */
function runbookFor(
  key: string,
  value: string | number | boolean | null,
  settings: Settings,
): string | undefined {
  if (key !== 'engine' && key !== 'engine.path') return undefined
  const row = settings.row(key)
  const next = value ?? (row.ok ? row.value.default : value)
  const isZot = settings.get('engine') === 'zot'
  if (!row.ok || next === row.value.value || (key === 'engine.path' && !isZot)) return undefined
  if (key === 'engine.path')
    return next === '' ? 'zotbar engine use zot' : `zotbar engine use zot --path ${next}`
  return next === 'zot' || next === 'zotbar-registry' ? `zotbar engine use ${next}` : undefined
}
