import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { readJsonFile, type SetAside } from '../platform/json-file.ts'

const amount = v.pipe(v.number(), v.integer(), v.minValue(0))
const lastCountSchema = v.object({
  /** ms since the epoch. */
  asOf: amount,
  bytes: amount,
  repositories: amount,
  tags: amount,
  biggest: v.array(v.object({ name: v.string(), bytes: amount, tags: amount })),
})
const storeSchema = v.object({
  folder: v.string(),
  last: lastCountSchema,
  samples: v.array(v.tuple([amount, amount])),
})
const fileSchema = v.object({ version: v.literal(1), stores: v.array(storeSchema) })

/** The sums of the last complete count. */
export type LastCount = v.InferOutput<typeof lastCountSchema>

/** One data folder: its last count, and its sizes over time, oldest first. */
export type StoredHistory = v.InferOutput<typeof storeSchema>

export interface HistoryFile {
  read(): Promise<StoredHistory[]>
  write(stores: StoredHistory[]): Promise<void>
}

/** `samples.json` in the home. One that cannot be parsed is moved aside and reported. */
export function historyFile(
  home: string,
  options: { now(): number; report(setAside: SetAside): void },
): HistoryFile {
  const file = join(home, 'samples.json')
  return {
    read: async () => (await readJsonFile(file, fileSchema, options))?.stores ?? [],
    write: stores => writeAtomic(file, JSON.stringify({ version: 1, stores })),
  }
}

/** The history of the data folder that was counted last; undefined when the file cannot be read, and it stays unchanged. */
export async function readLastHistory(home: string): Promise<StoredHistory | undefined> {
  try {
    const text = await readFile(join(home, 'samples.json'), 'utf8')
    const parsed = v.safeParse(fileSchema, JSON.parse(text))
    return parsed.success ? parsed.output.stores[0] : undefined
  } catch {
    return undefined
  }
}
