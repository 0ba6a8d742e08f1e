import { join } from 'node:path'
import * as v from 'valibot'
import type { Notice } from '../preload/contract/snapshot.ts'
import { readJsonFile, writeJsonFile } from './platform/json-file.ts'
import type { HistoryFile } from './storage/history.ts'

/** Storage's history in samples.json; a file that is no JSON object is set aside and told. */
export function sampleFile(home: string, now: () => number, tell: (notice: Notice) => void): HistoryFile {
  const file = join(home, 'samples.json')
  const report = (what: { file: string; keptAs: string }): void =>
    tell({ ...what, kind: 'file-set-aside', id: `set-aside:${what.keptAs}`, at: now() })
  return {
    read: () => readJsonFile(file, v.looseObject({}), { now, report }),
    write: value => writeJsonFile(file, value),
  }
}
