import { ok, type Result } from '../../contract/result.ts'
import type { FolderBefore, FolderDifference, FolderFigures, ServedBy } from '../../contract/undecided.ts'
import {
  compareFolder,
  type FolderIdentity,
  identityOf,
  inspectFolder,
  realFolder,
  sampleOf,
} from './folder-identity.ts'
import {
  createFolderRecordStore,
  type FolderRecord,
  type FolderRecordOptions,
  type ForeignZot,
  recordedFigures,
  recordedFolder,
} from './folder-record.ts'

/** The data folders of config.json: the root, and those of storage.subPaths by the first part of a name. */
interface Folders {
  root: string
  subs: Readonly<Record<string, string>>
}

/** `folder` is the one that differs. */
export type FoldersComparison =
  | { same: true; restored: boolean }
  | { same: false; difference: FolderDifference; folder: string }

/** What is counted of the store while it serves, at any moment. */
export interface CountedStore {
  figures(): FolderFigures & { asOf?: number }
  repositories(): Iterable<{ name: string }> | undefined
}

/** Who serves, and the folders with which it was started. */
export type Serving = Omit<ServedBy, 'until' | 'ours'> & { folders: Folders }

/**
 * Compares the data folders with what was recorded of them, and keeps the record up to date. Whoever changes the record
 * reads the whole of it first, so the caller runs such calls one at a time.
 */
export interface KnownFolders {
  /** Errors: data-denied, data-unreadable. */
  compare(folders: Folders): Promise<Result<FoldersComparison>>
  /** As it was recorded. */
  recorded(): Promise<FolderBefore | undefined>
  foreignZot(): Promise<ForeignZot | undefined>
  /** From now on the figures of this store are recorded. */
  takeFiguresOf(store: CountedStore): void
  /** As they are counted now; empty before the first count. */
  figures(): FolderFigures & { asOf?: number }
  /** Whether there are images and none is recorded: recorded at once, so that a loss soon after is noticed. */
  lacksSample(): Promise<boolean>
  /** Records the present state where that is due or `isForced`; not when `isOver` says that it serves no longer. */
  update(serving: Serving, options: { isForced: boolean; isOver(): boolean }): Promise<void>
  /** Records the last figures without inspecting the folder, which may be gone. The figures of a lost one stay. */
  servingEnded(isLost: boolean): Promise<void>
  sawForeignZot(zot: Omit<ForeignZot, 'at'>): Promise<void>
  /** Durable when it answers; on an error nothing is accepted. Errors: data-denied, data-unreadable, home-unusable. */
  accept(folders: Folders): Promise<Result<null>>
}

/** Figures are recorded at most this often: after a kill of the core they are this old. */
const writeIntervalMs = 30_000

export function createKnownFolders(options: FolderRecordOptions): KnownFolders {
  const { clock } = options
  const record = createFolderRecordStore(options)
  let written: { at: number; text: string } | undefined
  let store: CountedStore | undefined

  const countedFigures: KnownFolders['figures'] = () => store?.figures() ?? {}

  const lacksSample = ({ root, subs }: FolderRecord): boolean =>
    [root, ...Object.values(subs)].every(identity => (identity?.sample.length ?? 0) === 0) &&
    (countedFigures().repositories ?? 0) > 0

  /** The counted figures; until there are some, the recorded ones. */
  function figuresOf(record: FolderRecord): FolderFigures & { asOf?: number } {
    const counted = countedFigures()
    return counted.repositories === undefined ? recordedFigures(record) : counted
  }

  return {
    compare: async folders => compareAll(folders, await record.load()),
    recorded: async () => recordedFolder(await record.load()),
    foreignZot: async () => (await record.load()).foreignZot,
    takeFiguresOf(counted) {
      store = counted
    },
    figures: countedFigures,
    lacksSample: async () => lacksSample(await record.load()),
    async update(serving, { isForced, isOver }) {
      const before = await record.load()
      const { asOf, ...figures } = figuresOf(before)
      const text = JSON.stringify([figures, serving.version, serving.program])
      const isDue =
        written === undefined || clock.now() - written.at >= writeIntervalMs || lacksSample(before)
      if (!isForced && (!isDue || text === written?.text)) return
      const { folders, ...served } = serving
      const { root, subs } = await identifyAll(folders, before, store?.repositories())
      // A forced record is of a start, and a registry that served only for a moment is recorded too.
      if ((isOver() && !isForced) || root === undefined) return
      written = { at: clock.now(), text }
      const { foreignZot } = before
      await record.store({
        format: 1,
        root,
        subs,
        ...figures,
        ...(asOf === undefined ? {} : { asOf }),
        served,
        ...(foreignZot === undefined ? {} : { foreignZot }),
      })
    },
    async servingEnded(isLost) {
      const before = await record.load()
      if (before.served === undefined) return
      await record.store({
        ...before,
        ...(isLost ? {} : figuresOf(before)),
        served: { ...before.served, until: clock.now() },
      })
    },
    async sawForeignZot(zot) {
      const before = await record.load()
      const next = { ...before, foreignZot: { ...zot, at: clock.now() } }
      const { at: _, ...known } = before.foreignZot ?? { at: 0 }
      if (JSON.stringify(known) === JSON.stringify(zot)) record.replaceInMemory(next)
      else await record.store(next)
    },
    async accept({ root, subs }) {
      const { foreignZot } = await record.load()
      const rootState = await inspectFolder(root, [])
      if (!rootState.ok) return rootState
      const identities: Record<string, FolderIdentity> = {}
      for (const [key, folder] of Object.entries(subs)) {
        const state = await inspectFolder(folder, [])
        if (!state.ok) return state
        identities[key] = identityOf(state.value, [])
      }
      return record.storeDurably({
        format: 1,
        root: identityOf(rootState.value, []),
        subs: identities,
        ...(foreignZot === undefined ? {} : { foreignZot }),
      })
    },
  }
}

async function compareAll({ root, subs }: Folders, record: FolderRecord): Promise<Result<FoldersComparison>> {
  const pairs: [FolderIdentity | undefined, string][] = [
    [record.root, root],
    ...Object.entries(subs).map(([key, folder]): [FolderIdentity | undefined, string] => [
      record.subs[key],
      folder,
    ]),
  ]
  let restored = false
  for (const [recorded, folder] of pairs) {
    if (recorded === undefined) continue
    const state = await inspectFolder(folder, recorded.sample)
    if (!state.ok) return state
    const isOtherPath =
      recorded.folder !== folder && (await realFolder(recorded.folder)) !== (await realFolder(folder))
    const comparison = compareFolder(recorded, state.value, isOtherPath)
    if (!comparison.same) return ok({ ...comparison, folder })
    restored ||= comparison.restored
  }
  return ok({ same: true, restored })
}

interface Identities {
  root: FolderIdentity | undefined
  subs: Record<string, FolderIdentity>
}

/** The identities to record; their samples are the recorded ones while nothing is counted yet. */
async function identifyAll(
  { root, subs }: Folders,
  record: FolderRecord,
  repositories: Iterable<{ name: string }> | undefined,
): Promise<Identities> {
  const names = repositories === undefined ? undefined : [...repositories].map(({ name }) => name)

  async function identify(key: string | undefined, folder: string, recorded: FolderIdentity | undefined) {
    const before = recorded?.sample ?? []
    const sample = names === undefined ? before : sampleOf(names, key, subs, before)
    const state = await inspectFolder(folder, sample)
    return state.ok ? identityOf(state.value, sample) : undefined
  }

  const identities: Identities = { root: await identify(undefined, root, record.root), subs: {} }
  for (const [key, folder] of Object.entries(subs)) {
    const identity = await identify(key, folder, record.subs[key])
    if (identity !== undefined) identities.subs[key] = identity
  }
  return identities
}
