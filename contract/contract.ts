import * as v from 'valibot'
import { type Client, type Command, command, type Handlers } from './command.ts'
import type { ImageDeleted, ImageDetails, ImageList } from './image.ts'
import type { CheckedManagedKey, KeyCreated, KeyList, KeyProof, KeyRevoked, ManagedKeyList } from './key.ts'
import type { Result } from './result.ts'
import type { EngineRow, RunbookDetails, RunbookLines, RunbookPlan, RunbookRecord } from './runbook.ts'
import type { SettingChanged, SettingRow } from './setting.ts'
import type { Snapshot } from './snapshot.ts'
import type { DataFolder } from './undecided.ts'
import type { UpgradePlan, UpgradeReleases, UpgradeState } from './upgrade.ts'

const nothing = v.strictObject({})
const repository = v.pipe(v.string(), v.minLength(1), v.maxLength(255), v.regex(/^[a-z0-9][a-z0-9._/-]*$/))
/** A tag or a digest. */
const reference = v.pipe(
  v.string(),
  v.maxLength(200),
  v.regex(/^([A-Za-z0-9_][A-Za-z0-9._-]{0,127}|[a-z0-9]+:[0-9a-f]{32,128})$/),
)
const image = v.strictObject({ repository, reference })
const keyId = v.pipe(v.string(), v.maxLength(64), v.regex(/^[A-Za-z0-9-]+$/))
const version = v.pipe(v.string(), v.maxLength(30), v.regex(/^v\d{1,6}\.\d{1,6}\.\d{1,6}$/))
/** The source of a version that is no release: an absolute path, an address, or the recipe. */
const versionSource = v.pipe(v.string(), v.maxLength(4096), v.regex(/^(\/[^\0]*|https?:\/\/\S+|source)$/))
const owner = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
/** The app checks its form, because the message for a bad input would quote it. */
const secret = v.pipe(v.string(), v.maxLength(4096))
const settingKey = v.pipe(v.string(), v.maxLength(100))

/** What the app can open for a window: a view, its README, its folder of logs. Never a path or an address. */
const openTargets = ['window', 'keys', 'upgrade', 'run', 'docs', 'log-folder'] as const
export type OpenTarget = (typeof openTargets)[number]

/** The one table of commands; every transport, handler and client derives from it. */
export const contract = {
  app: {
    snapshot: command<Snapshot>()(nothing),
    /** A fresh one-time link to the dashboard. CLI only. */
    dashboardLink: command<{ url: string }>()(nothing),
    open: command<null>()(v.strictObject({ what: v.picklist(openTargets) })),
    quit: command<null>()(nothing),
  },
  registry: {
    /** Start, stop and restart answer when the end state is reached: serving, or stopped. */
    start: command<Snapshot>()(nothing),
    stop: command<Snapshot>()(nothing),
    /** `now` skips waiting for pushes, and cuts them. */
    restart: command<Snapshot>()(v.strictObject({ now: v.optional(v.boolean(), false) })),
    /** Cancels a stop or restart, as long as pushes are being finished and no signal was sent. */
    cancel: command<null>()(nothing),
    /** Checks again whether the registry can be started; answers when that is known. */
    lookAgain: command<Snapshot>()(nothing),
  },
  /** The data folder, compared with the one that was served before. */
  data: {
    show: command<DataFolder>()(nothing),
    /**
     * Accepts the folder that config.json names, and starts the registry on it. For the command line, and
     * in Electron after a native question; not over HTTP.
     */
    accept: command<Snapshot>()(nothing),
  },
  logs: {
    /** The newest lines of the registry's output, oldest first, as it wrote them. */
    tail: command<{ lines: string[] }>()(
      v.strictObject({
        lines: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5000)), 200),
      }),
    ),
  },
  images: {
    /** Sorted by repository and tag. Pages of `limit` tags, from `after` (the `next` of the page before) on. */
    list: command<ImageList>()(
      v.strictObject({
        repository: v.optional(repository),
        after: v.optional(v.pipe(v.string(), v.maxLength(400))),
        limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1000)), 200),
      }),
    ),
    show: command<ImageDetails>()(image),
    /** By tag only the tag is deleted, by digest the manifest with all its tags. */
    delete: command<ImageDeleted>()(image),
  },
  keys: {
    list: command<KeyList>()(nothing),
    /** `expires`: "90d", "12h", a date, or "never"; left out: what the registry's policy says. */
    create: command<KeyCreated>()(
      v.strictObject({
        user: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
        label: v.optional(v.pipe(v.string(), v.maxLength(200)), ''),
        expires: v.optional(v.pipe(v.string(), v.maxLength(40))),
        scopes: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(400))), v.maxLength(50)), []),
      }),
    ),
    /** The secret of a key that was created in a window, once, within ten minutes. */
    reveal: command<{ apiKey: string }>()(v.strictObject({ uuid: keyId })),
    revoke: command<KeyRevoked>()(
      v.strictObject({ uuid: keyId, descendants: v.optional(v.boolean(), false) }),
    ),
    /** The managed keys, with what differs from our record. */
    managed: command<ManagedKeyList>()(nothing),
    /**
     * Begins to manage a key, or changes its sinks. Without `key` the managed one stays, or one is created. CLI only.
     */
    manage: command<CheckedManagedKey>()(
      v.strictObject({
        user: owner,
        key: v.optional(secret),
        sinks: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(20))),
        proveRepository: v.optional(repository),
      }),
    ),
    /** Stops managing the key, which goes on working. */
    unmanage: command<{ user: string; uuid: string }>()(v.strictObject({ user: owner })),
    /** Begins the rotation and answers with its run, or with the plan alone. `overlap`: "24h", "0". */
    rotate: command<{ run: string } | { plan: RunbookPlan }>()(
      v.strictObject({
        user: owner,
        overlap: v.optional(v.pipe(v.string(), v.maxLength(20))),
        leaked: v.optional(v.boolean(), false),
        yes: v.optional(v.boolean(), false),
        dryRun: v.optional(v.boolean(), false),
      }),
    ),
    prove: command<KeyProof>()(v.strictObject({ user: owner })),
    /** The secret of a managed key: for the CLI, and in Electron after a native confirmation. Not over HTTP. */
    showSecret: command<{ user: string; apiKey: string }>()(v.strictObject({ user: owner })),
    /** Copies a secret to the clipboard, and clears it after a while if it is still there. Electron only. */
    copySecret: command<null>()(v.strictObject({ secret })),
    /** Revokes the key before the current one now. */
    endOverlap: command<{ run: string }>()(v.strictObject({ user: owner })),
    /** No notice about the end of this key for a while: `for` as "1d". */
    snooze: command<{ user: string; until: string }>()(
      v.strictObject({ user: owner, for: v.pipe(v.string(), v.maxLength(20)) }),
    ),
    /** A key that was created elsewhere, as the answer to a run that asks for one. When it fails, the question stays. */
    offerKey: command<null>()(
      v.strictObject({ question: v.pipe(v.string(), v.maxLength(100)), key: secret }),
    ),
    /** Creates that key in a sign-in window of the menu-bar app, as the answer. When it fails, the question stays. */
    signIn: command<null>()(v.strictObject({ question: v.pipe(v.string(), v.maxLength(100)) })),
    /** The access token that secrets are set in Forgejo with. CLI only. */
    forgejoToken: command<null>()(v.strictObject({ token: secret })),
    /** The passphrase of the encrypted file, which is held in memory until the app ends. */
    unlock: command<null>()(v.strictObject({ passphrase: secret })),
  },
  /** The admin that the first run created. CLI only. */
  admin: {
    show: command<{ user: string; password: string }>()(nothing),
    /** A new password; the old one ends at once. */
    reset: command<{ user: string; password: string }>()(nothing),
  },
  engine: {
    /** Every engine there is on this machine. */
    list: command<{ engines: EngineRow[] }>()(nothing),
    /** Begins the switch and answers with its run, or with the plan alone. `path` is for the command line only. */
    use: command<{ run: string } | { plan: RunbookPlan }>()(
      v.strictObject({
        engine: v.picklist(['zotbar-registry', 'zot']),
        path: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(4096), v.startsWith('/'))),
        yes: v.optional(v.boolean(), false),
        dryRun: v.optional(v.boolean(), false),
      }),
    ),
  },
  upgrade: {
    /** What is known without the network. */
    state: command<UpgradeState>()(nothing),
    /** The releases; `fresh` asks for the list now. */
    releases: command<UpgradeReleases>()(v.strictObject({ fresh: v.optional(v.boolean(), false) })),
    /**
     * Begins the upgrade and answers with its run, or with the plan alone. Nothing named: the newest release. `from` is
     * for the command line only, but for "source". `undo` goes back to the version before.
     */
    begin: command<{ run: string } | { plan: UpgradePlan }>()(
      v.strictObject({
        to: v.optional(version),
        from: v.optional(versionSource),
        dryRun: v.optional(v.boolean(), false),
        undo: v.optional(v.boolean(), false),
        yes: v.optional(v.boolean(), false),
        allowDowngrade: v.optional(v.boolean(), false),
      }),
    ),
  },
  runbooks: {
    /** The lines of a run (the newest without a name) from `after` on; waits for a new one. */
    state: command<RunbookLines>()(
      v.strictObject({
        run: v.optional(v.pipe(v.string(), v.maxLength(200))),
        after: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0)), 0),
        waitMs: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(20_000)), 0),
      }),
    ),
    /** Answers the question that a run waits with; no is a cancel. */
    answer: command<null>()(
      v.strictObject({ question: v.pipe(v.string(), v.maxLength(100)), agreed: v.boolean() }),
    ),
    cancel: command<null>()(nothing),
    /** A run in full: the one that is named, else the one under way, else the newest. */
    show: command<RunbookDetails>()(
      v.strictObject({ run: v.optional(v.pipe(v.string(), v.maxLength(200))) }),
    ),
    /** The last 50 runs, newest first. */
    history: command<{ runs: RunbookRecord[] }>()(nothing),
  },
  settings: {
    list: command<{ settings: SettingRow[] }>()(nothing),
    get: command<SettingRow>()(v.strictObject({ key: settingKey })),
    /** Back to the default with `value: null`. */
    set: command<SettingChanged>()(
      v.strictObject({
        key: settingKey,
        value: v.nullable(v.union([v.pipe(v.string(), v.maxLength(4096)), v.boolean(), v.number()])),
      }),
    ),
  },
} as const

/** What the app pushes to its listeners. A snapshot replaces the one before it. */
export interface Events {
  snapshot: Snapshot
  /** New lines of the registry's output, oldest first. Only to listeners that asked for `log`. */
  log: { lines: string[] }
}
export type EventName = keyof Events
export const eventNames = ['snapshot', 'log'] as const satisfies readonly EventName[]

export type ZotbarHandlers = Handlers<typeof contract>
export type ZotbarClient = Client<typeof contract>

/** The whole surface a window gets: commands, and one subscription. */
export interface ZotbarBridge extends ZotbarClient {
  /** Calls back for every event from now on; returns the end of the subscription. */
  on<E extends EventName>(event: E, listener: (value: Events[E]) => void): () => void
}

/** Every command with its dotted name ("registry.restart"), for transports. */
export function commandNames(): string[] {
  return Object.entries(contract).flatMap(([area, verbs]) =>
    Object.keys(verbs).map(verb => `${area}.${verb}`),
  )
}

/**
 * Runs one command by name: unknown name, bad input and a failing handler all come back as data.
 * Input from another process reaches a handler through here only.
 */
export async function dispatch(
  handlers: ZotbarHandlers,
  name: string,
  input: unknown,
  caller: 'cli' | 'dashboard' | 'window',
): Promise<Result<unknown>> {
  const [area = '', verb = ''] = name.split('.')
  const verbs: Record<string, Command<unknown, unknown>> | undefined = Object.hasOwn(contract, area)
    ? contract[area as keyof typeof contract]
    : undefined
  const entry = verbs && Object.hasOwn(verbs, verb) ? verbs[verb] : undefined
  if (!entry) return { ok: false, error: { code: 'unknown-command', name: name.slice(0, 100) } }
  const read = entry.parse(input ?? {})
  if (!read.ok) return read
  const group = handlers[area as keyof ZotbarHandlers] as Record<
    string,
    (input: never, caller: string) => Promise<Result<unknown>>
  >
  const handler = group[verb]
  if (!handler) return { ok: false, error: { code: 'unknown-command', name } }
  return handler(read.value as never, caller)
}

/** Builds a client from one function that carries a named call over some transport. */
export function clientOver(call: (name: string, input: unknown) => Promise<Result<unknown>>): ZotbarClient {
  const areas = Object.entries(contract).map(([area, verbs]) => [
    area,
    Object.fromEntries(
      Object.keys(verbs).map(verb => [verb, (input: unknown) => call(`${area}.${verb}`, input ?? {})]),
    ),
  ])
  return Object.fromEntries(areas) as ZotbarClient
}
