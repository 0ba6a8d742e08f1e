import type { OpenTarget, ZotbarHandlers } from '../../contract/contract.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { SignInWindow } from '../../contract/sign-in.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { NoticeControl } from '../notices/notice-control.ts'
import type { Credential } from '../registry-client/admin.ts'
import type { Images } from '../registry-client/images/images.ts'
import type { Keys } from '../registry-client/keys.ts'
import type { RotationHandlers } from '../rotation/rotation-handlers.ts'
import type { Settings } from '../settings/settings.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'

/** What only a shell can do: open things on a screen, hand out dashboard links, end the program. */
export interface ShellPart {
  open(what: OpenTarget): Promise<Result<null>>
  /** A dashboard address with a token not yet used; undefined where there is no dashboard. */
  dashboardLink?(): string
  /** A window that somebody signs in at the registry with; absent where there are no windows. */
  signIn?: SignInWindow
  /** Ends the program, after the answer to the one who asked is on its way. */
  quit(): void
}

interface Parts {
  /** The areas of the contract that the controls of runbooks answer themselves. */
  control: Pick<ZotbarHandlers, 'engine' | 'runbooks' | 'upgrade'>
  /** What is under way on the registry and must not be disturbed. */
  busyWith(): string | undefined
  supervisor: Supervisor
  settings: Settings
  images: Images
  keys: Keys
  /** The part of the contract about keys under care. */
  rotation: RotationHandlers
  notices: NoticeControl['handlers']
  /** The part about the data folder. */
  folder: Pick<ZotbarHandlers, 'data'>
  /** Looks whether what serves still has its data folder. */
  look(): Promise<void>
  admin: { show(): Promise<Result<Credential>>; reset(): Promise<Result<Credential>> }
  snapshot(): Snapshot
  /** Whether the registry could be started as config.json is now. */
  ready(): Promise<Result<unknown>>
  /** The newest lines of the registry's log, oldest first. */
  tail(count: number): Promise<string[]>
  shell: ShellPart
}

const wrongSender = fail({ code: 'not-authorised', reason: 'wrong-sender' })

/** The app's side of the contract: every command, mapped to the part that does it. */
export function createHandlers(parts: Parts): ZotbarHandlers {
  const {
    supervisor,
    settings,
    images,
    keys,
    rotation,
    notices,
    folder,
    look,
    admin,
    control,
    busyWith,
    ready,
    snapshot,
    tail,
    shell,
  } = parts
  const then = async (ask: () => Promise<Result<ProcessState>>): Promise<Result<Snapshot>> => {
    const busy = busyWith()
    if (busy !== undefined) return fail({ code: 'busy', with: busy })
    const result = await ask()
    return result.ok ? ok(snapshot()) : result
  }
  return {
    app: {
      snapshot: async () => ok(snapshot()),
      dashboardLink: async (_, caller) => {
        if (caller !== 'cli') return fail({ code: 'not-authorised', reason: 'wrong-sender' })
        const link = shell.dashboardLink?.()
        return link === undefined ? fail({ code: 'dashboard-off' }) : ok({ url: link })
      },
      open: ({ what }) => shell.open(what),
      quit: async () => {
        shell.quit()
        return ok(null)
      },
    },
    registry: {
      start: () => then(() => supervisor.start()),
      stop: () => then(() => supervisor.stop()),
      async restart({ now }) {
        // A registry that serves is not stopped for a config that would not bring it back.
        const serves = supervisor.state().kind === 'serving'
        const checked = serves ? await ready() : ok(null)
        return checked.ok ? then(() => supervisor.restart({ now })) : checked
      },
      async lookAgain() {
        await look()
        await supervisor.checkAgain()
        return ok(snapshot())
      },
      cancel: async () => {
        const busy = busyWith()
        return busy === undefined ? supervisor.cancel() : fail({ code: 'busy', with: busy })
      },
    },
    data: {
      ...folder.data,
      // A page cannot tell whose images were there before.
      accept: async (input, caller) =>
        caller === 'dashboard' ? wrongSender : folder.data.accept(input, caller),
    },
    logs: {
      tail: async ({ lines }) => ok({ lines: await tail(lines) }),
    },
    images: {
      list: ({ repository, after, limit }) =>
        images.list({
          limit,
          ...(repository === undefined ? {} : { repository }),
          ...(after === undefined ? {} : { after }),
        }),
      show: named => images.show(named),
      delete: named => images.delete(named),
    },
    keys: {
      list: async () => {
        const listed = await keys.list()
        return listed.ok ? ok({ ...listed.value, keys: rotation.marked(listed.value.keys) }) : listed
      },
      create: (wish, caller) => keys.create(wish, caller),
      reveal: async ({ uuid }) => keys.reveal(uuid),
      revoke: ({ uuid, descendants }) => keys.revoke(uuid, descendants),
      ...rotation.keys,
      ...notices.keys,
    },
    admin: {
      show: async (_, caller) => (caller === 'cli' ? admin.show() : wrongSender),
      reset: async (_, caller) => (caller === 'cli' ? admin.reset() : wrongSender),
    },
    ...control,
    settings: {
      list: async (_, caller) => ok({ settings: settings.all({ masked: caller !== 'cli' }) }),
      get: async ({ key }, caller) => settings.row(key, { masked: caller !== 'cli' }),
      async set({ key, value }, caller) {
        const runbook = runbookFor(key, value, settings)
        return runbook === undefined
          ? settings.set(key, value, caller === 'cli' ? 'cli' : 'any')
          : fail({ code: 'setting-by-runbook', key, use: runbook })
      },
    },
  }
}

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
