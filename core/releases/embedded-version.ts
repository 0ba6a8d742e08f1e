import { createReadStream } from 'node:fs'

/** `git describe` of a release, as zot's build puts it into the program: "v2.1.15-0-g" and the commit. */
const described = /(v\d+\.\d+\.\d+)-\d+-g[0-9a-f]{7,40}/g
/** Longer than any match, so that none is cut by the end of a chunk. */
const overlap = 100

/**
 * The version that stands in a program's bytes, without running it: for a plan, never for proof. Undefined where none
 * or more than one is found, or the file cannot be read.
 */
export async function embeddedVersion(file: string): Promise<string | undefined> {
  const found = new Set<string>()
  let tail = ''
  try {
    for await (const chunk of createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
      const text = `${tail}${chunk}`
      for (const [, version] of text.matchAll(described)) if (version !== undefined) found.add(version)
      tail = text.slice(-overlap)
    }
  } catch {
    return undefined
  }
  return found.size === 1 ? [...found][0] : undefined
}
