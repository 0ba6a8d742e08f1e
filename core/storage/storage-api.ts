import type { Failure } from '../../contract/failure.ts'
import type { PushInProgress } from '../../contract/registry-state.ts'
import type { PushEvent, StorageState } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SubFolders } from '../../lib/sub-folders.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { ReadProcessUse } from '../platform/process-use.ts'
import type { FreeSpace } from '../platform/volume.ts'
import type { startScan } from './scan.ts'
import type { Write } from './writes.ts'

export interface StorageOptions {
  clock: Clock
  /** The engine's storage.rootDirectory; undefined while config.json cannot be read. */
  dataFolder(): string | undefined
  /** The folders of storage.subPaths, by the first part of a name. */
  subFolders?(): SubFolders
  /** Why the folder must not be counted: another one is at its path. */
  findTrouble?(): Promise<Failure | undefined>
  /** Space of the volume that holds `folder`, or will hold it. */
  freeSpace(folder: string): Promise<FreeSpace | undefined>
  /** ZOTBAR_HOME: sizes over time are stored in its samples.json. */
  home: string
  log(message: string): void
  /** A history file that could not be parsed was moved aside. */
  report(what: SetAside): void
  /** What the registry's process has open. Absent: nobody can say. */
  readProcessUse?: ReadProcessUse
  scanner?: typeof startScan
  /** ms since the epoch, by the clock that the file system uses. */
  fileTime?(): number
}

export interface Storage {
  state(): StorageState
  /** Newest first, at most 20. */
  pushes(): PushEvent[]
  /** One line of the engine's log; an engine with events reports its writes by `recordWrite` instead. */
  readLogLine(text: string): void
  /** A write that the engine reported. */
  recordWrite(write: Write): void
  /** Reads the free space again, after a push was refused for want of it. */
  refreshSpace(): void
  /**
   * Reads again what changed in the data folder, by the times of its folders; cheap, and done every few minutes anyway.
   * The reason says that a registry has just begun to serve the folder, so a folder that was replaced is the right one
   * and is counted anew. Resolves when the recount is over.
   */
  recount(reason?: 'it serves this folder'): Promise<void>
  /** Recounts more often, as far as that is cheap: wanted while the engine that serves reports none of its writes. */
  setFrequentRecounts(isWanted: boolean): void
  /** Drops everything known of the data folder, because another folder is at its path now; counts nothing. */
  forget(): void
  /** Counts everything anew, or joins the count under way. Resolves when it is over, also on failure. */
  scan(): Promise<void>
  /** One manifest digest for each repository that has one; undefined before the first count. */
  repositories(): Iterable<{ name: string; digest: string }> | undefined
  /** One manifest digest of this repository, read from disk now; undefined when it has none. */
  readDigest(name: string): Promise<string | undefined>
  /**
   * Uploads under way: by what the registry's process holds open and who is connected to it, where that process is named;
   * else those that grew within the last 5 s.
   */
  uploadsInProgress(registry?: { pid: number; port: number }): Promise<PushInProgress[]>
  /** Repositories with an upload that a registry left unfinished when it ended, after `since` (ms since the epoch). */
  uploadsLeft(since: number): Promise<string[]>
  /** Returns a function that ends the subscription. */
  onChange(listener: () => void): () => void
  close(): Promise<void>
}
