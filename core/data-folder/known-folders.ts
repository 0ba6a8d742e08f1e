import { fail, ok, type Result } from '../../contract/result.ts'
import type { FolderBefore, FolderDifference, FolderFigures, ServedBy } from '../../contract/undecided.ts'
import type { Clock } from '../../lib/clock.ts'
import { reasonOf } from '../../lib/error-code.ts'
import type { SetAside } from '../platform/json-file.ts'
import { type FolderIdentity, type FolderState, inspectFolder, realFolder } from './folder-identity.ts'
import { emptyRecord, type FolderRecord, folderRecordFile } from './folder-record.ts'
import { compareFolder } from './same-folder.ts'
import { sampleOf } from './sample.ts'

/** The data folders of config.json: the root, and those of storage.subPaths by the first part of a name. */
interface Folders {
  root: string
  subs: Readonly<Record<string, string>>
}

/** `folder` is the one that differs. */
export type FoldersComparison =
  | { same: true; restored: boolean }
  | { same: false; difference: FolderDifference; folder: string }

/** What is known of a folder from a home that kept no record of it yet. */
export interface EarlierFolder extends FolderFigures {
  folder: string
  asOf: number
  /** Some of its repositories. */
  names: string[]
}

export interface KnownFoldersOptions {
  home: string
  clock: Pick<Clock, 'now'>
  earlier(): Promise<EarlierFolder | undefined>
  /** The figures as they are counted while it serves. */
  figures(): FolderFigures & { asOf?: number }
  repositories(): Iterable<{ name: string }> | undefined
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
}

/** Who serves, and the folders with which it was started. */
export type Serving = Omit<ServedBy, 'until' | 'ours'> & { folders: Folders }
export type ForeignZot = NonNullable<FolderRecord['foreignZot']>

/**
 * The data folder as it was written down, and what is to be known of it from now on. What writes reads the whole record
 * first: its caller lets it run one at a time.
 */
export interface KnownFolders {
  /** Errors: data-denied, data-unreadable. */
  compare(folders: Folders): Promise<Result<FoldersComparison>>
  /** As it was written down. */
  recorded(): Promise<FolderBefore | undefined>
  foreignZot(): Promise<ForeignZot | undefined>
  /** The first images are known at once: what is lost before the next look was not empty. */
  lacksSample(): Promise<boolean>
  /** Writes down what is there now, where that is due or `isForced`; not when `isOver` says that it serves no longer. */
  update(by: Serving, options: { isForced: boolean; isOver(): boolean }): Promise<void>
  /** The figures of the last moment, without a look at the folder: it may be gone. Those of a lost one stay. */
  servingEnded(isLost: boolean): Promise<void>
  sawForeignZot(zot: Omit<ForeignZot, 'at'>): Promise<void>
  /** Durable when it answers; on an error nothing is accepted. Errors: data-denied, data-unreadable, home-unusable. */
  accept(folders: Folders): Promise<Result<null>>
}

/** Figures are written down at most this often, ms: a kill of the app leaves them this old. */
const writeEvery = 30_000

export function createKnownFolders(options: KnownFoldersOptions): KnownFolders {
  const { clock, log } = options
  const file = folderRecordFile(options.home, { now: () => clock.now(), report: options.report })
  let known: Promise<FolderRecord> | undefined
  let written: { at: number; text: string } | undefined

  const load = (): Promise<FolderRecord> => {
    known ??= read()
    return known
  }

  async function read(): Promise<FolderRecord> {
    const stored = await file.read().catch((error: unknown) => {
      log('folder.json cannot be read', { error: String(error) })
      return undefined
    })
    if (stored !== undefined) return stored
    const earlier = await options.earlier()
    if (earlier === undefined) return emptyRecord
    const { folder, names, ...figures } = earlier
    return { ...emptyRecord, ...figures, root: { folder, databases: {}, sample: names } }
  }

  /** What cannot be written is known in this life at least. */
  async function keep(next: FolderRecord): Promise<void> {
    known = Promise.resolve(next)
    await file
      .write(next)
      .catch((error: unknown) => log('folder.json cannot be written', { error: String(error) }))
  }

  async function compare({ root, subs }: Folders): Promise<Result<FoldersComparison>> {
    const record = await load()
    const pairs: [FolderIdentity | undefined, string][] = [
      [record.root, root],
      ...Object.entries(subs).map(([key, folder]): [FolderIdentity | undefined, string] => [
        record.subs[key],
        folder,
      ]),
    ]
    let restored = false
    for (const [was, folder] of pairs) {
      if (was === undefined) continue
      const seen = await inspectFolder(folder, was.sample)
      if (!seen.ok) return seen
      const isOtherPath =
        was.folder !== folder && (await realFolder(was.folder)) !== (await realFolder(folder))
      const found = compareFolder(was, seen.value, isOtherPath)
      if (!found.same) return ok({ ...found, folder })
      restored ||= found.restored
    }
    return ok({ same: true, restored })
  }

  const isThin = ({ root, subs }: FolderRecord): boolean =>
    [root, ...Object.values(subs)].every(each => (each?.sample.length ?? 0) === 0) &&
    (options.figures().repositories ?? 0) > 0

  /** As they are counted; as they were written down until then. */
  function figuresOf({ repositories, tags, bytes, asOf }: FolderRecord): FolderFigures & { asOf?: number } {
    const counted = options.figures()
    if (counted.repositories !== undefined) return counted
    return {
      ...(repositories === undefined ? {} : { repositories }),
      ...(tags === undefined ? {} : { tags }),
      ...(bytes === undefined ? {} : { bytes }),
      ...(asOf === undefined ? {} : { asOf }),
    }
  }

  /** What is there now, as it is to be known again; the old sample where nothing was counted yet. */
  async function identityOf(folder: string, sample: string[]): Promise<FolderIdentity | undefined> {
    const seen = await inspectFolder(folder, sample)
    return seen.ok ? identity(seen.value, sample) : undefined
  }

  const keepUp: KnownFolders['update'] = async (by, { isForced, isOver }) => {
    const record = await load()
    const { asOf, ...figures } = figuresOf(record)
    const text = JSON.stringify([figures, by.version, by.program])
    const isDue = written === undefined || clock.now() - written.at >= writeEvery || isThin(record)
    if (!isForced && (!isDue || text === written?.text)) return
    const names = options.repositories()
    const all = names === undefined ? undefined : [...names].map(({ name }) => name)
    const { folders, ...served } = by
    const sampled = (key: string | undefined, was: FolderIdentity | undefined): string[] =>
      all === undefined ? (was?.sample ?? []) : sampleOf(all, key, folders.subs, was?.sample ?? [])
    const root = await identityOf(folders.root, sampled(undefined, record.root))
    const subs: Record<string, FolderIdentity> = {}
    for (const [key, folder] of Object.entries(folders.subs)) {
      const found = await identityOf(folder, sampled(key, record.subs[key]))
      if (found !== undefined) subs[key] = found
    }
    // What served for a moment only is known all the same.
    if ((isOver() && !isForced) || root === undefined) return
    written = { at: clock.now(), text }
    const { foreignZot } = record
    await keep({
      format: 1,
      root,
      subs,
      ...figures,
      ...(asOf === undefined ? {} : { asOf }),
      served,
      ...(foreignZot === undefined ? {} : { foreignZot }),
    })
  }

  return {
    compare,
    async recorded() {
      const { root, repositories, tags, bytes, asOf, served, foreignZot } = await load()
      const known = root !== undefined || foreignZot !== undefined || served !== undefined
      if (!known) return undefined
      const zotLast = foreignZot !== undefined && foreignZot.at >= (served?.until ?? 0)
      const servedBy: ServedBy | undefined = zotLast
        ? { engine: 'zot', ...withoutUndefined(foreignZot), until: foreignZot.at, ours: false }
        : served && { ...served, ours: true }
      return {
        ...(root === undefined ? {} : { folder: root.folder }),
        ...(repositories === undefined ? {} : { repositories }),
        ...(tags === undefined ? {} : { tags }),
        ...(bytes === undefined ? {} : { bytes }),
        ...(asOf === undefined ? {} : { asOf }),
        ...(servedBy === undefined ? {} : { servedBy }),
      }
    },
    foreignZot: async () => (await load()).foreignZot,
    lacksSample: async () => isThin(await load()),
    update: keepUp,
    async servingEnded(isLost) {
      const record = await load()
      if (record.served === undefined) return
      await keep({
        ...record,
        ...(isLost ? {} : figuresOf(record)),
        served: { ...record.served, until: clock.now() },
      })
    },
    async sawForeignZot(zot) {
      const record = await load()
      const next = { ...record, foreignZot: { ...zot, at: clock.now() } }
      const { at: _, ...before } = record.foreignZot ?? { at: 0 }
      if (JSON.stringify(before) === JSON.stringify(zot)) known = Promise.resolve(next)
      else await keep(next)
    },
    async accept({ root, subs }) {
      const { foreignZot } = await load()
      const found = await inspectFolder(root, [])
      if (!found.ok) return found
      const others: Record<string, FolderIdentity> = {}
      for (const [key, folder] of Object.entries(subs)) {
        const seen = await inspectFolder(folder, [])
        if (!seen.ok) return seen
        others[key] = identity(seen.value, [])
      }
      const next: FolderRecord = {
        format: 1,
        root: identity(found.value, []),
        subs: others,
        ...(foreignZot === undefined ? {} : { foreignZot }),
      }
      try {
        await file.write(next)
      } catch (error) {
        return fail({ code: 'home-unusable', path: file.path, reason: reasonOf(error) })
      }
      known = Promise.resolve(next)
      return ok(null)
    },
  }
}

const identity = ({ folder, inode, marker, databases }: FolderState, sample: string[]): FolderIdentity => ({
  folder,
  databases,
  sample,
  ...(inode === undefined ? {} : { inode }),
  ...(marker === undefined ? {} : { marker }),
})

const withoutUndefined = ({ version, program }: ForeignZot): Pick<ServedBy, 'version' | 'program'> => ({
  ...(version === undefined ? {} : { version }),
  ...(program === undefined ? {} : { program }),
})
