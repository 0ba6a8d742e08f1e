import { join } from 'node:path'
import * as v from 'valibot'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { FolderBefore, FolderFigures, ServedBy } from '../../contract/undecided.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'

const amount = v.pipe(v.number(), v.integer(), v.minValue(0))
const identity = v.object({
  folder: v.string(),
  inode: v.exactOptional(amount),
  marker: v.exactOptional(v.string()),
  databases: v.record(v.string(), amount),
  sample: v.array(v.string()),
})
const engineId = v.picklist(['zotbar-registry', 'zot'])
const served = v.object({
  engine: engineId,
  version: v.exactOptional(v.string()),
  program: v.exactOptional(v.string()),
  until: v.exactOptional(amount),
})
const record = v.object({
  format: v.literal(1),
  /** storage.rootDirectory. */
  root: v.exactOptional(identity),
  /** Those of storage.subPaths, by the first part of a name. */
  subs: v.record(v.string(), identity),
  repositories: v.exactOptional(amount),
  tags: v.exactOptional(amount),
  bytes: v.exactOptional(amount),
  /** When it was counted, ms since the epoch. */
  asOf: v.exactOptional(amount),
  served: v.exactOptional(served),
  /** A zot that somebody else ran on the port; `at`: when it was last found there. `sameStore`: on this data folder. */
  foreignZot: v.exactOptional(
    v.object({
      at: amount,
      version: v.exactOptional(v.string()),
      program: v.exactOptional(v.string()),
      sameStore: v.boolean(),
    }),
  ),
})

/** `folder.json` of a home: the data folder as it was when it last served. */
export type FolderRecord = v.InferOutput<typeof record>
export type ForeignZot = NonNullable<FolderRecord['foreignZot']>

const emptyRecord: FolderRecord = { format: 1, subs: {} }

/** What is known of a folder from a home that has no record of it yet. */
export interface EarlierFolder extends FolderFigures {
  folder: string
  asOf: number
  /** Some of its repositories. */
  names: string[]
}

export interface FolderRecordOptions {
  home: string
  clock: { now(): number }
  earlier(): Promise<EarlierFolder | undefined>
  report(setAside: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
}

export interface FolderRecordStore {
  /** A record that cannot be parsed is set aside, and then nothing is known. */
  load(): Promise<FolderRecord>
  /** A record that cannot be written counts until the core ends. */
  store(next: FolderRecord): Promise<void>
  /** Not written: the file stays as it is until the next `store`. */
  replaceInMemory(next: FolderRecord): void
  /** Durable when it answers; on an error the record before stays. Errors: home-unusable. */
  storeDurably(next: FolderRecord): Promise<Result<null>>
}

export function createFolderRecordStore(options: FolderRecordOptions): FolderRecordStore {
  const { clock, log, report } = options
  const file = join(options.home, 'folder.json')
  let current: Promise<FolderRecord> | undefined

  async function read(): Promise<FolderRecord> {
    const stored = await readJsonFile(file, record, { now: () => clock.now(), report }).catch(
      (error: unknown) => {
        log('folder.json cannot be read', { error: String(error) })
        return undefined
      },
    )
    if (stored !== undefined) return stored
    const earlier = await options.earlier()
    if (earlier === undefined) return emptyRecord
    const { folder, names, ...figures } = earlier
    return { ...emptyRecord, ...figures, root: { folder, databases: {}, sample: names } }
  }

  return {
    load() {
      current ??= read()
      return current
    },
    async store(next) {
      current = Promise.resolve(next)
      await writeJsonFile(file, next).catch((error: unknown) =>
        log('folder.json cannot be written', { error: String(error) }),
      )
    },
    replaceInMemory(next) {
      current = Promise.resolve(next)
    },
    async storeDurably(next) {
      try {
        await writeJsonFile(file, next)
      } catch (error) {
        return fail({ code: 'home-unusable', path: file, reason: reasonOf(error) })
      }
      current = Promise.resolve(next)
      return ok(null)
    },
  }
}

/** The folder as it was recorded; undefined where nothing is known of any. */
export function recordedFolder(record: FolderRecord): FolderBefore | undefined {
  const { root, served, foreignZot } = record
  if (root === undefined && foreignZot === undefined && served === undefined) return undefined
  const servedBy = lastServedBy(record)
  return {
    ...(root === undefined ? {} : { folder: root.folder }),
    ...recordedFigures(record),
    ...(servedBy === undefined ? {} : { servedBy }),
  }
}

export const recordedFigures = ({
  repositories,
  tags,
  bytes,
  asOf,
}: FolderRecord): FolderFigures & { asOf?: number } => ({
  ...(repositories === undefined ? {} : { repositories }),
  ...(tags === undefined ? {} : { tags }),
  ...(bytes === undefined ? {} : { bytes }),
  ...(asOf === undefined ? {} : { asOf }),
})

function lastServedBy({ served, foreignZot }: FolderRecord): ServedBy | undefined {
  if (foreignZot === undefined || foreignZot.at < (served?.until ?? 0))
    return served && { ...served, ours: true }
  const { version, program, at } = foreignZot
  return {
    engine: 'zot',
    ...(version === undefined ? {} : { version }),
    ...(program === undefined ? {} : { program }),
    until: at,
    ours: false,
  }
}
