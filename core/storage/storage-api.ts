import type { Failure } from '../../contract/failure.ts'
import type { PushInProgress } from '../../contract/registry-state.ts'
import type { PushEvent, StorageState } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SubFolders } from '../../lib/sub-folders.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { FreeSpace } from '../platform/volume.ts'
import type { startScan } from './scan.ts'
import type { Write } from './writes.ts'

export interface StorageOptions {
  clock: Clock
  /** The engine's storage.rootDirectory; undefined while config.json cannot be read. */
  dataFolder(): string | undefined
  /** The folders of storage.subPaths, by the first part of a name. */
  subFolders?(): SubFolders
  /** Why the folder must not be counted: it is not the one that it was. */
  trouble?(): Promise<Failure | undefined>
  /** Space of the volume that holds `folder`, or will hold it. */
  freeSpace(folder: string): Promise<FreeSpace | undefined>
  /** ZOTBAR_HOME: sizes over time are kept in its samples.json. */
  home: string
  log(message: string): void
  /** A history that could not be understood was moved out of the way. */
  report(what: SetAside): void
  scanner?: typeof startScan
  /** ms since the epoch, by the clock that the file system uses. */
  fileTime?(): number
}

export interface Storage {
  state(): StorageState
  /** Newest first, at most 20. */
  pushes(): PushEvent[]
  /** One line of the engine's log; where the engine tells its writes itself they come by `wrote`. */
  line(text: string): void
  /** A write that the engine told of. */
  wrote(write: Write): void
  /** A push was refused for want of space. */
  spaceWasShort(): void
  /**
   * Reads again what changed in the data folder, by the times of its folders: costs little, and is done every few
   * minutes anyway. A registry that has just begun to serve has proved that the folder is the one that is meant, also
   * where it is another one than before. Resolves when it is over.
   */
  recount(why?: 'it serves this folder'): Promise<void>
  /** Whether the engine that serves tells nothing of its writes: it is recounted often then, as far as that costs little. */
  looksOften(wanted: boolean): void
  /** What was counted at this place was another folder: nothing of it is shown any more. Nothing is counted by this. */
  forget(): void
  /** Counts everything anew; a second call during a count joins it. Resolves when it is over, also on failure. */
  scan(): Promise<void>
  /** One manifest digest for each repository that has one; undefined before the first count. */
  repositories(): Iterable<{ name: string; digest: string }> | undefined
  /** The same for one repository, read from disk now; undefined when it has none. */
  digestNow(name: string): Promise<string | undefined>
  /** Uploads that grew within the last 5 s. */
  uploadsInProgress(): Promise<PushInProgress[]>
  /** Returns a function that ends the listening. */
  onChange(listener: () => void): () => void
  close(): Promise<void>
}
