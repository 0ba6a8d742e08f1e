import {
  below,
  checked,
  list,
  map,
  mapped,
  needed,
  object,
  optional,
  type ReadBy,
  refuse,
  required,
  withDefault,
} from './reader.ts'
import { driver, duration, flag, integer, matching, nonEmptyText, texts } from './scalar.ts'

const hour = 3_600_000

const keptBy = {
  pulledWithin: optional(duration()),
  pushedWithin: optional(duration()),
  mostRecentlyPushedCount: withDefault(integer(0), 0),
  mostRecentlyPulledCount: withDefault(integer(0), 0),
}

const retentionPolicy = object({
  repositories: texts,
  deleteReferrers: withDefault(flag, false),
  /** Without this key zot deletes untagged manifests (since v2.1.9). */
  deleteUntagged: withDefault(flag, true),
  keepTags: list(object({ patterns: texts, ...keptBy })),
  keepUntagged: optional(object(keptBy)),
})

/** zot takes a config without one where all of the data is in a bucket. */
const rootMissing =
  'this key is required: it names the folder on this machine that is served and looked after'

/** What the root and every sub path have in common; only the root switches dedupe and gc on by default. */
const common = (byDefault: boolean) => ({
  rootDirectory: needed(required(nonEmptyText, rootMissing)),
  dedupe: withDefault(flag, byDefault),
  gc: withDefault(flag, byDefault),
  gcDelay: withDefault(duration(0), hour),
  gcInterval: withDefault(duration(0), hour),
  gcTimeWindow: optional(
    matching(/^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$/, '"HH:MM-HH:MM" in UTC'),
  ),
  /** fsync on every write, for zot. */
  commit: withDefault(flag, false),
  remoteCache: withDefault(flag, false),
  maxRepos: optional(integer(0)),
  /** Clients are sent to the bucket itself. */
  redirectBlobURL: withDefault(flag, false),
  storageDriver: optional(driver),
  cacheDriver: optional(driver),
  retention: object({
    dryRun: withDefault(flag, false),
    delay: optional(duration(0)),
    policies: list(retentionPolicy),
  }),
})

/** `retention.delay` is `gcDelay` unless given. */
function withDelay<S extends { gcDelay: number; retention: { delay: number | undefined } }>(storage: S) {
  const { retention } = storage
  return { ...storage, retention: { ...retention, delay: retention.delay ?? storage.gcDelay } }
}

const subPath = mapped(object(common(false)), withDelay)

/** Ends with one slash, so that one folder inside another shows as a prefix. */
const asFolder = (path: string): string => `${path.replace(/\/+$/, '')}/`

const rootAndSubPaths = checked(
  object({ ...common(true), fastRestart: withDefault(flag, false), subPaths: map(subPath) }),
  (storage, cursor) => {
    const roots = [asFolder(storage.rootDirectory)]
    for (const [name, { rootDirectory }] of Object.entries(storage.subPaths)) {
      const root = asFolder(rootDirectory)
      if (roots.some(other => other.startsWith(root) || root.startsWith(other))) {
        const at = below(cursor, 'subPaths')
        return refuse(
          at,
          'conflict',
          `the folder of "${name}" is the same as another, or inside it, or around it`,
        )
      }
      roots.push(root)
    }
    return undefined
  },
)

export const storageShape = mapped(rootAndSubPaths, withDelay)

export type StorageConfig = ReadBy<typeof storageShape>
