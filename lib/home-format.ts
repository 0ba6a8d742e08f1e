import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomic } from './atomic-file.ts'
import { errorCode } from './error-code.ts'
import { isObject, parseJson } from './json.ts'

/**
 * The number of the form in which this build keeps a home. It grows only when an older build could no longer read what
 * lies there. 0 is a home without `home.json`, as Zotbar 0.1.0 made it.
 */
export const homeFormat = 1

/** `home.json`. Features may keep facts of their own in it, which everybody else leaves as they are. */
export interface HomeFile {
  readonly format: number
  /** Files are being changed to this format, perhaps by a core that was killed meanwhile. */
  readonly changingTo?: number
  readonly [fact: string]: unknown
}

export type HomeFileRead =
  | { kind: 'none' }
  | { kind: 'read'; file: HomeFile }
  /** `reason` is half a sentence. */
  | { kind: 'damaged'; reason: string }

const pathOf = (home: string): string => join(home, 'home.json')

/** Reads `home.json` and changes nothing. Throws as the file system does, but for a file that is not there. */
export async function readHomeFile(home: string): Promise<HomeFileRead> {
  let text: string
  try {
    text = await readFile(pathOf(home), 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return { kind: 'none' }
    throw error
  }
  const read = parseJson(text)
  if (!isObject(read)) return { kind: 'damaged', reason: 'it is not a JSON object' }
  const { format, changingTo } = read
  if (!isFormat(format)) return { kind: 'damaged', reason: 'it names no format' }
  if (changingTo !== undefined && !isFormat(changingTo))
    return { kind: 'damaged', reason: '"changingTo" is no format' }
  return { kind: 'read', file: { ...read, format, ...(changingTo === undefined ? {} : { changingTo }) } }
}

const isFormat = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0

/** Replaces `home.json` whole and durably. Throws as the file system does. */
export async function writeHomeFile(home: string, file: HomeFile): Promise<void> {
  await writeAtomic(pathOf(home), `${JSON.stringify(file)}\n`)
}
