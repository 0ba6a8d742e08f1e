import { readFile, rename } from 'node:fs/promises'
import * as v from 'valibot'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode } from '../../lib/error-code.ts'
import { parseJson } from '../../lib/json.ts'

/** A file that could not be understood was moved out of the way. */
export interface SetAside {
  file: string
  keptAs: string
}

interface Options {
  now(): number
  report(setAside: SetAside): void
}

/**
 * Reads a JSON file of ours. Missing: undefined. Not JSON, or refused by `schema`: moved to
 * `FILE.corrupt-TIMESTAMP`, reported, and undefined. Any other failure to read throws.
 */
export async function readJsonFile<S extends v.GenericSchema>(
  file: string,
  schema: S,
  options: Options,
): Promise<v.InferOutput<S> | undefined> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  const read = v.safeParse(schema, parseJson(text))
  if (read.success) return read.output
  await setAside(file, options)
  return undefined
}

export async function writeJsonFile(file: string, value: unknown): Promise<void> {
  await writeAtomic(file, `${JSON.stringify(value, null, 2)}\n`)
}

/** Moves a file to `FILE.corrupt-TIMESTAMP` (UTC, "20260301T120000Z") and reports it. */
export async function setAside(file: string, { now, report }: Options): Promise<void> {
  const timestamp = new Date(now()).toISOString().replace(/[-:]|\.\d+/g, '')
  const keptAs = `${file}.corrupt-${timestamp}`
  await rename(file, keptAs)
  report({ file, keptAs })
}

/** Undefined when it is not JSON, which no schema of ours accepts. */
