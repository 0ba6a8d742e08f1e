import * as v from 'valibot'
import { appCommands, nothing, secret } from './app-commands.ts'
import { afterAnyQuestion, afterQuestion, anyone, atScreen, cliOnly, trusted } from './caller.ts'
import { type Client, command, type Handlers } from './command.ts'
import type { ImageDeleted, ImageDetails, ImageList } from './image.ts'
import type { CheckedManagedKey, KeyCreated, KeyList, KeyProof, KeyRevoked, ManagedKeyList } from './key.ts'
import type { ConfigRestored, LastConfig } from './last-config.ts'
import type { Result } from './result.ts'
import type { EngineRow, RunbookDetails, RunbookLines, RunbookPlan, RunbookRecord } from './runbook.ts'
import type { SettingChanged, SettingRow } from './setting.ts'
import type { Snapshot } from './snapshot.ts'
import type { DataFolder } from './undecided.ts'
import type { UpgradePlan, UpgradeReleases, UpgradeState } from './upgrade.ts'

const repository = v.pipe(v.string(), v.minLength(1), v.maxLength(1024), v.regex(/^[a-z0-9][a-z0-9._/-]*$/))
/** A tag or a digest. zot took for a tag whatever may stand in a path, and those are deleted by their names, too. */
const reference = v.pipe(
  v.string(),
  v.maxLength(1024),
  v.regex(/^(?!(?:\.|%2e){1,2}$)[a-z0-9._~!$&'()*+,;=:@%-]+$/i),
)
const image = v.strictObject({ repository, reference })
const keyId = v.pipe(v.string(), v.maxLength(64), v.regex(/^[A-Za-z0-9-]+$/))
/** Of a release, "v2.1.15", or of an installed build between two, "v2.1.20-25-g6d19b445". */
const version = v.pipe(
  v.string(),
  v.maxLength(80),
  v.regex(/^v\d{1,6}\.\d{1,6}\.\d{1,6}(-\d{1,6}-g[0-9a-f]{4,40})?$/),
)
/** The source of a version that is no release: an absolute path, an address, or the recipe. */
const versionSource = v.pipe(v.string(), v.maxLength(4096), v.regex(/^(\/[^\0]*|https?:\/\/\S+|source)$/))
const owner = v.pipe(v.string(), v.minLength(1), v.maxLength(256))
const settingKey = v.pipe(v.string(), v.maxLength(100))

/** The one table of commands; every transport, handler and client derives from it. */
export const contract = {
  ...appCommands,
  registry: {
    /** Start, stop and restart answer when the end state is reached: serving, or stopped. */
    start: command<Snapshot>()(nothing, anyone),
    stop: command<Snapshot>()(nothing, anyone),
    /** `now` skips waiting for pushes, and cuts them. */
    restart: command<Snapshot>()(v.strictObject({ now: v.optional(v.boolean(), false) }), anyone),
    /** Cancels a stop or restart, as long as pushes are being finished and no signal was sent. */
    cancel: command<null>()(nothing, anyone),
    /** Checks again whether the registry can be started; answers when that is known. */
    lookAgain: command<Snapshot>()(nothing, anyone),
  },
  /** The data folder, compared with the one that was served before. */
  data: {
    show: command<DataFolder>()(nothing, anyone),
    /** Accepts the folder that config.json names, and starts the registry on it. */
    accept: command<Snapshot>()(nothing, afterQuestion),
  },
  config: {
    /** The config.json with which the registry last became ready, against the one of now. Error: no-other-config. */
    last: command<LastConfig>()(nothing, anyone),
    /**
     * Brings it back in place, and starts the registry with it. `id`: of the change that was shown; another one by now is
     * refused with config-edited-meanwhile. Error: no-other-config.
     */
    restore: command<ConfigRestored>()(
      v.strictObject({ id: v.optional(v.pipe(v.string(), v.maxLength(100))) }),
      afterAnyQuestion,
    ),
  },
  logs: {
    /** The newest lines of the registry's output, oldest first, as it wrote them; without secrets in a session of the dashboard. */
    tail: command<{ lines: string[] }>()(
      v.strictObject({
        lines: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(5000)), 200),
      }),
      anyone,
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
      anyone,
    ),
    show: command<ImageDetails>()(image, anyone),
    /** By tag only the tag is deleted, by digest the manifest with all its tags. */
    delete: command<ImageDeleted>()(image, trusted),
  },
  keys: {
    list: command<KeyList>()(nothing, anyone),
    /** `expires`: "90d", "12h", a date, or "never"; left out: what the registry's policy says. */
    create: command<KeyCreated>()(
      v.strictObject({
        user: v.pipe(v.string(), v.minLength(1), v.maxLength(256)),
        label: v.optional(v.pipe(v.string(), v.maxLength(200)), ''),
        expires: v.optional(v.pipe(v.string(), v.maxLength(40))),
        scopes: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(400))), v.maxLength(50)), []),
      }),
      trusted,
    ),
    /** The secret of a key that was created in a window, once, within ten minutes. */
    reveal: command<{ apiKey: string }>()(v.strictObject({ uuid: keyId }), trusted),
    revoke: command<KeyRevoked>()(
      v.strictObject({ uuid: keyId, descendants: v.optional(v.boolean(), false) }),
      trusted,
    ),
    /** The managed keys, with what differs from our record. */
    managed: command<ManagedKeyList>()(nothing, anyone),
    /**
     * Begins to manage a key, or changes its sinks. Without `key` the managed one stays, or one is created.
     */
    manage: command<CheckedManagedKey>()(
      v.strictObject({
        user: owner,
        key: v.optional(secret),
        sinks: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(20))),
        proveRepository: v.optional(repository),
      }),
      cliOnly,
    ),
    /** Stops managing the key, which goes on working. */
    unmanage: command<{ user: string; uuid: string }>()(v.strictObject({ user: owner }), trusted),
    /** Begins the rotation and answers with its run, or with the plan alone. `overlap`: "24h", "0". */
    rotate: command<{ run: string } | { plan: RunbookPlan }>()(
      v.strictObject({
        user: owner,
        overlap: v.optional(v.pipe(v.string(), v.maxLength(20))),
        leaked: v.optional(v.boolean(), false),
        yes: v.optional(v.boolean(), false),
        dryRun: v.optional(v.boolean(), false),
      }),
      trusted,
    ),
    prove: command<KeyProof>()(v.strictObject({ user: owner }), trusted),
    /** The secret of a managed key. */
    showSecret: command<{ user: string; apiKey: string }>()(v.strictObject({ user: owner }), afterQuestion),
    /** Copies a secret to the clipboard, and clears it after a while if it is still there: the app does it itself. */
    copySecret: command<null>()(v.strictObject({ secret }), atScreen),
    /** Revokes the key before the current one now. */
    endOverlap: command<{ run: string }>()(v.strictObject({ user: owner }), trusted),
    /** No notice about the end of this key for a while: `for` as "1d". */
    snooze: command<{ user: string; until: string }>()(
      v.strictObject({ user: owner, for: v.pipe(v.string(), v.maxLength(20)) }),
      trusted,
    ),
    /** A key that was created elsewhere, as the answer to a run that asks for one. When it fails, the question stays. */
    offerKey: command<null>()(
      v.strictObject({ question: v.pipe(v.string(), v.maxLength(100)), key: secret }),
      trusted,
    ),
    /** Creates that key in a sign-in window of the menu-bar app, as the answer. When it fails, the question stays. */
    signIn: command<null>()(v.strictObject({ question: v.pipe(v.string(), v.maxLength(100)) }), trusted),
    /** The access token that secrets are set in Forgejo with. */
    forgejoToken: command<null>()(v.strictObject({ token: secret }), cliOnly),
    /** The passphrase of the encrypted file, which is held in memory until the core ends. */
    unlock: command<null>()(v.strictObject({ passphrase: secret }), trusted),
  },
  /** The admin that the first run created. */
  admin: {
    show: command<{ user: string; password: string }>()(nothing, cliOnly),
    /** A new password; the old one ends at once. */
    reset: command<{ user: string; password: string }>()(nothing, cliOnly),
  },
  engine: {
    /** Every engine there is on this machine. */
    list: command<{ engines: EngineRow[] }>()(nothing, anyone),
    /** Begins the switch and answers with its run, or with the plan alone. `path` is for the command line only. */
    use: command<{ run: string } | { plan: RunbookPlan | UpgradePlan }>()(
      v.strictObject({
        engine: v.picklist(['zotbar-registry', 'zot']),
        path: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(4096), v.startsWith('/'))),
        yes: v.optional(v.boolean(), false),
        dryRun: v.optional(v.boolean(), false),
      }),
      afterAnyQuestion,
    ),
  },
  upgrade: {
    /** What is known without the network. */
    state: command<UpgradeState>()(nothing, anyone),
    /** The releases; `fresh` asks for the list now. */
    releases: command<UpgradeReleases>()(v.strictObject({ fresh: v.optional(v.boolean(), false) }), anyone),
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
      trusted,
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
      anyone,
    ),
    /**
     * Answers the question that a run waits with; no is a cancel. The first answer counts: `already-answered` from then
     * on. `run` names the run that is meant, as the next one may ask the same.
     */
    answer: command<null>()(
      v.strictObject({
        question: v.pipe(v.string(), v.maxLength(100)),
        agreed: v.boolean(),
        run: v.optional(v.pipe(v.string(), v.maxLength(200))),
      }),
      trusted,
    ),
    cancel: command<null>()(nothing, trusted),
    /** A run in full: the one that is named, else the one under way, else the newest. */
    show: command<RunbookDetails>()(
      v.strictObject({ run: v.optional(v.pipe(v.string(), v.maxLength(200))) }),
      anyone,
    ),
    /** The last 50 runs, newest first. */
    history: command<{ runs: RunbookRecord[] }>()(nothing, anyone),
  },
  settings: {
    list: command<{ settings: SettingRow[] }>()(nothing, anyone),
    get: command<SettingRow>()(v.strictObject({ key: settingKey }), anyone),
    /** Back to the default with `value: null`. */
    set: command<SettingChanged>()(
      v.strictObject({
        key: settingKey,
        value: v.nullable(v.union([v.pipe(v.string(), v.maxLength(4096)), v.boolean(), v.number()])),
      }),
      trusted,
    ),
  },
} as const

/** What the core pushes to its listeners. A snapshot replaces the one before it. */
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
