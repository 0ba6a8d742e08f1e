import type { Failure } from '../../preload/contract/failure.ts'
import { ok, type Result } from '../../preload/contract/result.ts'
import type {
  FolderBefore,
  FolderDifference,
  FolderFigures,
  ServedBy,
} from '../../preload/contract/undecided.ts'
import type { Clock } from '../platform/clock.ts'
import type { SetAside } from '../platform/json-file.ts'
import { serialQueue } from '../platform/serial-queue.ts'
import { type FolderRecord, folderRecordFile, noFolder } from './folder-record.ts'
import { type FolderIdentity, type FolderSeen, realFolder, seeFolder } from './identity.ts'
import { compareFolder } from './same-folder.ts'
import { sampleOf } from './sample.ts'

/** The data folders of config.json: the root, and those of storage.subPaths by the first part of a name. */
export interface Folders {
  root: string
  subs: Readonly<Record<string, string>>
}

/** `folder` is the one that differs. */
export type Compared =
  | { same: true; restored: boolean }
  | { same: false; difference: FolderDifference; folder: string }

/** What is known of a folder from a home that kept no record of it yet. */
export interface Earlier extends FolderFigures {
  folder: string
  asOf: number
  /** Some of its repositories. */
  names: string[]
}

export interface FolderKeeperOptions {
  home: string
  clock: Clock
  earlier(): Promise<Earlier | undefined>
  /** The figures as they are counted while it serves. */
  figures(): FolderFigures & { asOf?: number }
  repositories(): Iterable<{ name: string }> | undefined
  report(what: SetAside): void
  log(message: string, data?: Record<string, unknown>): void
  /** The folder of what serves is gone, or is another one. */
  onLost(): void
  /** It holds the same, under another inode or path: from a backup, or moved. */
  onRestored(folder: string): void
}

type Serving = Omit<ServedBy, 'until' | 'ours'> & { folders: Folders }
type ForeignZot = NonNullable<FolderRecord['foreignZot']>

/** Knows the data folder again, and watches it while the registry serves. */
export interface FolderKeeper {
  /** Errors: data-denied, data-unreadable. */
  compare(folders: Folders): Promise<Result<Compared>>
  /** As it was written down. */
  before(): Promise<FolderBefore | undefined>
  /** Why it was lost while it served; undefined from the next time on that it serves. */
  lost(): Failure | undefined
  /** Who serves it now; undefined when nobody of ours does. */
  serves(by: Serving | undefined): void
  /** The figures changed. */
  counted(): void
  /** Looks at the folder of what serves now, not at the next turn: after sleep, and when asked. */
  look(): Promise<void>
  foreignZot(): Promise<ForeignZot | undefined>
  sawForeignZot(zot: Omit<ForeignZot, 'at'>): Promise<void>
  /** From now on these are the ones; what serves from others is not watched any more. */
  accept(folders: Folders): Promise<void>
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/** How often the folder is looked at while it serves, and how soon a bad look is repeated, ms. */
const [every, again] = [10_000, 1_000]
/** Figures are written down at most this often, ms: a kill of the app leaves them this old. */
const writeEvery = 30_000

export function createFolderKeeper(options: FolderKeeperOptions): FolderKeeper {
  const { clock, log } = options
  const file = folderRecordFile(options.home, { now: () => clock.now(), report: options.report })
  const writes = serialQueue()
  /** Looks and what follows from them, one after the other. */
  const looks = serialQueue()
  let known: Promise<FolderRecord> | undefined
  let serving: Serving | undefined
  let lost: Failure | undefined
  let suspicious = false
  let noticing = false
  let stopTimer = (): void => {}
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
    if (earlier === undefined) return noFolder
    const { folder, names, ...figures } = earlier
    return { ...noFolder, ...figures, root: { folder, databases: {}, sample: names } }
  }

  function keep(next: FolderRecord): Promise<void> {
    known = Promise.resolve(next)
    return writes
      .run(() => file.write(next))
      .catch((error: unknown) => log('folder.json cannot be written', { error: String(error) }))
  }

  async function compare({ root, subs }: Folders): Promise<Result<Compared>> {
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
      const seen = await seeFolder(folder, was.sample)
      if (!seen.ok) return seen
      const isOtherPath =
        was.folder !== folder && (await realFolder(was.folder)) !== (await realFolder(folder))
      const found = compareFolder(was, seen.value, isOtherPath)
      if (!found.same) return ok({ ...found, folder })
      restored ||= found.restored
    }
    return ok({ same: true, restored })
  }

  /** The first images are known at once: what is lost before the next look was not empty. */
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
    const seen = await seeFolder(folder, sample)
    return seen.ok ? identity(seen.value, sample) : undefined
  }

  async function keepUp(by: Serving, isForced: boolean): Promise<void> {
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
    if ((serving !== by && !isForced) || root === undefined) return
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

  async function look(by: Serving, isFirst = false): Promise<void> {
    const compared = await compare(by.folders)
    if (serving !== by && !isFirst) return
    // A process goes on in the folder that it opened: the same images in another one are nothing to it until it starts anew.
    if (compared.ok && compared.value.same && (isFirst || !compared.value.restored)) {
      suspicious = false
      if (compared.value.restored) options.onRestored(by.folders.root)
      await keepUp(by, isFirst)
      if (serving === by) arm(by, every)
      return
    }
    if (serving !== by) return
    // What is being replaced by a rename is gone for an instant.
    if (!suspicious) {
      suspicious = true
      return arm(by, again)
    }
    lost = lostBy(compared, by.folders.root)
    log('the data folder was lost while it served', { ...lost })
    options.onLost()
  }

  function arm(by: Serving, inMs: number): void {
    stopTimer()
    stopTimer = clock.setTimer(clock.now() + inMs, () => void looks.run(() => look(by)))
  }

  /** The figures of the last moment, without a look at the folder: it may be gone. */
  async function ended(): Promise<void> {
    const record = await load()
    if (record.served === undefined) return
    await keep({
      ...record,
      ...(lost === undefined ? figuresOf(record) : {}),
      served: { ...record.served, until: clock.now() },
    })
  }

  return {
    compare,
    lost: () => lost,
    async before() {
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
    serves(by) {
      if (by === undefined) {
        if (serving === undefined) return
        serving = undefined
        stopTimer()
        void looks.run(ended)
        return
      }
      // Its version may be known later; the folders are those with which it was started.
      if (serving !== undefined) return void Object.assign(serving, { ...by, folders: serving.folders })
      serving = by
      lost = undefined
      suspicious = false
      void looks.run(() => look(by, true))
    },
    counted() {
      const by = serving
      if (by === undefined || noticing) return
      noticing = true
      void looks.run(async () => {
        noticing = false
        if (serving !== by || !isThin(await load())) return
        // What was counted may be the images of another folder that lies here by now: only the next looks judge that.
        const compared = await compare(by.folders)
        if (serving === by && compared.ok && compared.value.same && !compared.value.restored)
          await keepUp(by, false)
      })
    },
    async look() {
      if (serving === undefined) return
      stopTimer()
      const by = serving
      await looks.run(() => look(by))
    },
    foreignZot: async () => (await load()).foreignZot,
    async sawForeignZot(zot) {
      const record = await load()
      const next = { ...record, foreignZot: { ...zot, at: clock.now() } }
      const { at: _, ...before } = record.foreignZot ?? { at: 0 }
      if (JSON.stringify(before) === JSON.stringify(zot)) known = Promise.resolve(next)
      else await keep(next)
    },
    async accept({ root, subs }) {
      serving = undefined
      stopTimer()
      await looks.idle()
      const record = await load()
      const found = await identityOf(root, [])
      const others: Record<string, FolderIdentity> = {}
      for (const [key, folder] of Object.entries(subs)) {
        const seen = await identityOf(folder, [])
        if (seen !== undefined) others[key] = seen
      }
      lost = undefined
      const { foreignZot } = record
      await keep({
        format: 1,
        ...(found === undefined ? {} : { root: found }),
        subs: others,
        ...(foreignZot === undefined ? {} : { foreignZot }),
      })
    },
    async close() {
      stopTimer()
      if (serving !== undefined) {
        serving = undefined
        void looks.run(ended)
      }
      await looks.idle()
      await writes.idle()
    },
  }
}

const identity = ({ folder, inode, marker, databases }: FolderSeen, sample: string[]): FolderIdentity => ({
  folder,
  databases,
  sample,
  ...(inode === undefined ? {} : { inode }),
  ...(marker === undefined ? {} : { marker }),
})

/** The failure of a folder that was lost; `root` stands for whichever has the same contents and is another one. */
function lostBy(compared: Result<Compared>, root: string): Failure {
  if (!compared.ok) return compared.error
  const { value } = compared
  if (value.same) return { code: 'other-folder', path: root }
  return value.difference === 'missing'
    ? { code: 'data-volume-missing', path: value.folder, parent: value.folder }
    : { code: 'other-folder', path: value.folder }
}

const withoutUndefined = ({ version, program }: ForeignZot): Pick<ServedBy, 'version' | 'program'> => ({
  ...(version === undefined ? {} : { version }),
  ...(program === undefined ? {} : { program }),
})
