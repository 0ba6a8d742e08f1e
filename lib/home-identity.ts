import { realpathSync, statSync } from 'node:fs'
import { isObject } from './json.ts'

/**
 * Which home a record in it was written for. A home that was moved is still the same folder, and one whose volume
 * numbers its folders anew is still at the same path; a copy is neither.
 */
export interface HomeIdentity {
  /** Its real path. */
  path: string
  /** Device and inode of the folder. */
  folder: string
}

/** Throws as the file system does. */
export function homeIdentity(home: string): HomeIdentity {
  const { dev, ino } = statSync(home, { bigint: true })
  return { path: realpathSync(home), folder: `${dev}:${ino}` }
}

/** Undefined where the folder cannot be read. */
export function knownHomeIdentity(home: string): HomeIdentity | undefined {
  try {
    return homeIdentity(home)
  } catch {
    return undefined
  }
}

/** False where a record came here with a copy of the home in which it was written. */
export const isSameHome = (recorded: HomeIdentity, home: HomeIdentity): boolean =>
  recorded.path === home.path || recorded.folder === home.folder

export const isHomeIdentity = (value: unknown): value is HomeIdentity =>
  isObject(value) && typeof value['path'] === 'string' && typeof value['folder'] === 'string'
