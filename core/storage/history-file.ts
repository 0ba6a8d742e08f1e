import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { readJsonFile, type SetAside } from '../platform/json-file.ts'

const amount = v.pipe(v.number(), v.integer(), v.minValue(0))
const lastCount = v.object({
  /** ms since the epoch. */
  asOf: amount,
  bytes: amount,
  repositories: amount,
  tags: amount,
  biggest: v.array(v.object({ name: v.string(), bytes: amount, tags: amount })),
})
const stored = v.object({ folder: v.string(), last: lastCount, samples: v.array(v.tuple([amount, amount])) })
const shape = v.object({ version: v.literal(1), stores: v.array(stored) })

/** The sums of the last complete count. */
export type LastCount = v.InferOutput<typeof lastCount>

/** One data folder: its last count, and its sizes over time, oldest first. */
export type Stored = v.InferOutput<typeof stored>

export interface HistoryFile {
  read(): Promise<Stored[]>
  write(stores: Stored[]): Promise<void>
}

/** `samples.json` in the app's home. One that cannot be understood is moved out of the way and reported. */
export function historyFile(
  home: string,
  options: { now(): number; report(what: SetAside): void },
): HistoryFile {
  const file = join(home, 'samples.json')
  return {
    read: async () => (await readJsonFile(file, shape, options))?.stores ?? [],
    write: stores => writeAtomic(file, JSON.stringify({ version: 1, stores })),
  }
}

/** The data folder that was counted last, or undefined; a file that cannot be read is left as it is. */
export async function lastStored(home: string): Promise<Stored | undefined> {
  try {
    const text = await readFile(join(home, 'samples.json'), 'utf8')
    const read = v.safeParse(shape, JSON.parse(text))
    return read.success ? read.output.stores[0] : undefined
  } catch {
    return undefined
  }
}
