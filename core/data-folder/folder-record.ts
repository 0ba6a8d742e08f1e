import { join } from 'node:path'
import * as v from 'valibot'
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
  /** A zot that somebody else ran on the port: `at`, when it was last seen there. `sameStore`: on this data folder. */
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

/** Nothing is known of any folder. */
export const emptyRecord: FolderRecord = { format: 1, subs: {} }

export interface FolderRecordFile {
  path: string
  /** Undefined where there is none; one that cannot be understood is set aside. */
  read(): Promise<FolderRecord | undefined>
  write(value: FolderRecord): Promise<void>
}

export function folderRecordFile(
  home: string,
  options: { now(): number; report(what: SetAside): void },
): FolderRecordFile {
  const file = join(home, 'folder.json')
  return {
    path: file,
    read: () => readJsonFile(file, record, options),
    write: value => writeJsonFile(file, value),
  }
}
