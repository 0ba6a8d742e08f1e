import type { ConfigFault, Failure, UndecidedWhy } from './failure.ts'

/** What a data folder holds; each figure is absent where it is not known. */
export interface FolderFigures {
  repositories?: number
  tags?: number
  /** Each file counted once. */
  bytes?: number
}

/** Who served a data folder last. Times are ms since the epoch. */
export interface ServedBy {
  engine: 'zotbar-registry' | 'zot'
  version?: string
  /** Its program, absolute. */
  program?: string
  /** When it was last seen serving. */
  until?: number
  /** False for a process that Zotbar did not start. */
  ours: boolean
}

/** The record of the data folder that was served last. `folder` is absent in a record of an older version. */
export interface FolderBefore extends FolderFigures {
  folder?: string
  /** When it was counted, ms since the epoch. */
  asOf?: number
  servedBy?: ServedBy
}

/** The data folder that config.json names, as it was found. */
export interface FolderFound extends FolderFigures {
  folder: string
  /** `other-files`: something, but no images. `missing`: not there; it was not made. */
  holds: 'images' | 'nothing' | 'other-files' | 'missing'
  /** There are at least so many repositories and tags: counting was ended early. */
  atLeast?: boolean
  /** zot's databases in it and in its sub paths, absolute. */
  databases: string[]
  /** When the folder itself was last changed, ms since the epoch. */
  modifiedAt?: number
  freeBytes?: number
}

/** What zotbar-registry does with config.json. */
export interface ConfigFound {
  file: string
  /** When config.json was last written, ms since the epoch. */
  modifiedAt?: number
  /** What it refuses: with these it does not start, whatever is chosen. */
  refused: ConfigFault[]
  /** What would have no effect with it, which choosing it accepts. */
  withoutEffect: ConfigFault[]
  /** Where storage.rootDirectory stands. */
  rootDirectory?: { line: number; column: number }
}

/** How the folder differs from the one that was; only with `other-folder`. */
export type FolderDifference =
  /** config.json names another one. */
  | 'path'
  /** It is not there, or its volume is not. */
  | 'missing'
  | 'empty'
  /** It holds other images. */
  | 'contents'

/** A registry that asks nobody who they are, at an address that other machines reach. */
export interface OpenToAll {
  /** ADDRESS:PORT, as the setting `registry.open` has it. */
  address: string
  /** The most that everybody may do; absent: nothing. */
  most?: 'push' | 'pull'
  /** What everybody may do where, in words: "pull, push in team/**". */
  rights: string[]
  /** What was agreed to for this address before, where that was something else. */
  agreed?: string[]
}

/** The payload of the state `undecided`: all that is needed to choose. Plain data. */
export interface Undecided {
  why: UndecidedWhy
  found: FolderFound
  config: ConfigFound
  was?: FolderBefore
  difference?: FolderDifference
  /** What has to be agreed to before zotbar-registry serves, where something has. */
  open?: OpenToAll
  /** What decides it on the command line, the likeliest first. */
  commands: string[]
}

/** What `data.show` answers. */
export interface DataFolder {
  /** Whether the folder that config.json names is the one that was; true also where nothing was known of one. */
  same: boolean
  difference?: FolderDifference
  found: FolderFound
  was?: FolderBefore
  /** The engine that was chosen for this folder. `at` in ms since the epoch. */
  choice?: EngineChoice
}

/** An engine that was chosen for a data folder. */
export interface EngineChoice {
  engine: 'zotbar-registry' | 'zot'
  /** zot's program, absolute. */
  program?: string
  /** Who chose: `cli`, `dashboard`, `window`, or `zotbar` where nobody was asked. */
  by: string
  at: number
  why: 'asked' | 'first-run' | 'served-before'
  /** The zot that served the folder before zotbar-registry was chosen for it. */
  lastZot?: ZotBefore
}

/** `program` is absolute. */
export interface ZotBefore {
  program: string
  version?: string
}

/** The failure of a start while the choice is open. */
export const undecidedFailure = ({ why, found, commands }: Undecided): Failure => ({
  code: 'undecided',
  why,
  folder: found.folder,
  commands,
})
