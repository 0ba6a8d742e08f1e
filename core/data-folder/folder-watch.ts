import type { Failure } from '../../contract/failure.ts'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import type { FolderRecordOptions, ForeignZot } from './folder-record.ts'
import {
  type CountedStore,
  createKnownFolders,
  type FoldersComparison,
  type KnownFolders,
  type Serving,
} from './known-folders.ts'

interface FolderWatchOptions extends FolderRecordOptions {
  clock: Clock
  /** The folder of what serves is gone, or is another one. */
  onLost(): void
  /** It holds the same, under another inode or path: from a backup, or moved. */
  onRestored(folder: string): void
}

/** Recognizes the data folder, and watches it while the registry serves. */
export interface FolderWatch extends Pick<KnownFolders, 'compare' | 'recorded' | 'foreignZot' | 'figures'> {
  /** Why it was lost while it served; undefined again once it serves. */
  loss(): Failure | undefined
  /** Who serves it now; undefined when nobody of ours does. */
  setServing(serving: Serving | undefined): void
  figuresChanged(store: CountedStore): void
  /** Checks the folder of what serves at once: after sleep, and when asked. */
  check(): Promise<void>
  sawForeignZot(zot: Omit<ForeignZot, 'at'>): Promise<void>
  /** Accepts these folders as the right ones; what serves from others is not watched any more. Errors: as of KnownFolders. */
  accept: KnownFolders['accept']
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/** How often the folder is checked while it serves, and how soon a suspicious check is repeated. */
const [checkIntervalMs, recheckMs] = [10_000, 1_000]

export function createFolderWatch(options: FolderWatchOptions): FolderWatch {
  const { clock, log } = options
  const known = createKnownFolders(options)
  /** Everything that changes the record waits for its turn, so that no older record is written over a newer one. */
  const queue = serialQueue()
  let serving: Serving | undefined
  let loss: Failure | undefined
  let isSuspicious = false
  let isUpdateQueued = false
  let stopTimer = (): void => {}

  const update = (watched: Serving, isForced: boolean): Promise<void> =>
    known.update(watched, { isForced, isOver: () => serving !== watched })
  const servingEnded = (): Promise<void> => known.servingEnded(loss !== undefined)

  async function check(watched: Serving, isFirst = false): Promise<void> {
    const compared = await known.compare(watched.folders)
    if (serving !== watched && !isFirst) return
    // A process goes on in the folder that it opened, so a restored one is right only for a new process.
    if (compared.ok && compared.value.same && (isFirst || !compared.value.restored)) {
      isSuspicious = false
      if (compared.value.restored) options.onRestored(watched.folders.root)
      await update(watched, isFirst)
      if (serving === watched) checkLater(watched, checkIntervalMs)
      return
    }
    if (serving !== watched) return
    // A folder that is replaced by a rename is missing for an instant.
    if (!isSuspicious) {
      isSuspicious = true
      return checkLater(watched, recheckMs)
    }
    loss = lossOf(compared, watched.folders.root)
    log('the data folder was lost while it served', { ...loss })
    options.onLost()
  }

  function checkLater(watched: Serving, delayMs: number): void {
    stopTimer()
    stopTimer = clock.setTimer(clock.now() + delayMs, () => void queue.run(() => check(watched)))
  }

  return {
    compare: known.compare,
    recorded: known.recorded,
    foreignZot: known.foreignZot,
    figures: known.figures,
    loss: () => loss,
    setServing(next) {
      if (next === undefined) {
        if (serving === undefined) return
        serving = undefined
        stopTimer()
        void queue.run(servingEnded)
        return
      }
      // The version may be known later; the folders are those with which it was started.
      if (serving !== undefined) return void Object.assign(serving, { ...next, folders: serving.folders })
      serving = next
      loss = undefined
      isSuspicious = false
      void queue.run(() => check(next, true))
    },
    figuresChanged(store) {
      known.takeFiguresOf(store)
      const watched = serving
      if (watched === undefined || isUpdateQueued) return
      isUpdateQueued = true
      void queue.run(async () => {
        isUpdateQueued = false
        if (serving !== watched || !(await known.lacksSample())) return
        // The counted images may be in another folder that took its place: only `check` decides that.
        const compared = await known.compare(watched.folders)
        if (serving === watched && compared.ok && compared.value.same && !compared.value.restored)
          await update(watched, false)
      })
    },
    async check() {
      if (serving === undefined) return
      stopTimer()
      const watched = serving
      await queue.run(() => check(watched))
    },
    sawForeignZot: zot => queue.run(() => known.sawForeignZot(zot)),
    accept: folders =>
      queue.run(async () => {
        const accepted = await known.accept(folders)
        if (!accepted.ok) return accepted
        loss = undefined
        serving = undefined
        stopTimer()
        return accepted
      }),
    async close() {
      stopTimer()
      if (serving !== undefined) {
        serving = undefined
        void queue.run(servingEnded)
      }
      await queue.idle()
    },
  }
}

/** Why a folder was lost; `root` is named where the folder has the same contents and is another one. */
function lossOf(compared: Result<FoldersComparison>, root: string): Failure {
  if (!compared.ok) return compared.error
  const { value } = compared
  if (value.same) return { code: 'other-folder', path: root }
  return value.difference === 'missing'
    ? { code: 'data-volume-missing', path: value.folder, parent: value.folder }
    : { code: 'other-folder', path: value.folder }
}
