import type { Failure } from '../../contract/failure.ts'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { serialQueue } from '../platform/serial-queue.ts'
import {
  createKnownFolders,
  type FoldersComparison,
  type ForeignZot,
  type KnownFolders,
  type KnownFoldersOptions,
  type Serving,
} from './known-folders.ts'

export interface FolderWatchOptions extends KnownFoldersOptions {
  clock: Clock
  /** The folder of what serves is gone, or is another one. */
  onLost(): void
  /** It holds the same, under another inode or path: from a backup, or moved. */
  onRestored(folder: string): void
}

/** Knows the data folder again, and watches it while the registry serves. */
export interface FolderWatch extends Pick<KnownFolders, 'compare' | 'recorded' | 'foreignZot'> {
  /** Why it was lost while it served; undefined from the next time on that it serves. */
  loss(): Failure | undefined
  /** Who serves it now; undefined when nobody of ours does. */
  setServing(by: Serving | undefined): void
  /** The figures changed. */
  figuresChanged(): void
  /** Looks at the folder of what serves now, not at the next turn: after sleep, and when asked. */
  check(): Promise<void>
  sawForeignZot(zot: Omit<ForeignZot, 'at'>): Promise<void>
  /** From now on these are the ones; what serves from others is not watched any more. Errors: as of KnownFolders. */
  accept: KnownFolders['accept']
  /** Writes what is not written yet. */
  close(): Promise<void>
}

/** How often the folder is looked at while it serves, and how soon a bad look is repeated, ms. */
const [every, again] = [10_000, 1_000]

export function createFolderWatch(options: FolderWatchOptions): FolderWatch {
  const { clock, log } = options
  const known = createKnownFolders(options)
  /** Looks, and all else that changes the record, one after the other: none writes an older one over a newer one. */
  const looks = serialQueue()
  let serving: Serving | undefined
  let lost: Failure | undefined
  let suspicious = false
  let noticing = false
  let stopTimer = (): void => {}

  const keepUp = (by: Serving, isForced: boolean): Promise<void> =>
    known.update(by, { isForced, isOver: () => serving !== by })
  const ended = (): Promise<void> => known.servingEnded(lost !== undefined)

  async function look(by: Serving, isFirst = false): Promise<void> {
    const compared = await known.compare(by.folders)
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

  return {
    compare: known.compare,
    recorded: known.recorded,
    foreignZot: known.foreignZot,
    loss: () => lost,
    setServing(by) {
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
    figuresChanged() {
      const by = serving
      if (by === undefined || noticing) return
      noticing = true
      void looks.run(async () => {
        noticing = false
        if (serving !== by || !(await known.lacksSample())) return
        // What was counted may be the images of another folder that lies here by now: only the next looks judge that.
        const compared = await known.compare(by.folders)
        if (serving === by && compared.ok && compared.value.same && !compared.value.restored)
          await keepUp(by, false)
      })
    },
    async check() {
      if (serving === undefined) return
      stopTimer()
      const by = serving
      await looks.run(() => look(by))
    },
    sawForeignZot: zot => looks.run(() => known.sawForeignZot(zot)),
    accept: folders =>
      looks.run(async () => {
        const accepted = await known.accept(folders)
        if (!accepted.ok) return accepted
        lost = undefined
        serving = undefined
        stopTimer()
        return accepted
      }),
    async close() {
      stopTimer()
      if (serving !== undefined) {
        serving = undefined
        void looks.run(ended)
      }
      await looks.idle()
    },
  }
}

/** The failure of a folder that was lost; `root` stands for whichever has the same contents and is another one. */
function lostBy(compared: Result<FoldersComparison>, root: string): Failure {
  if (!compared.ok) return compared.error
  const { value } = compared
  if (value.same) return { code: 'other-folder', path: root }
  return value.difference === 'missing'
    ? { code: 'data-volume-missing', path: value.folder, parent: value.folder }
    : { code: 'other-folder', path: value.folder }
}
