import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { appVersion } from './app-version.ts'

/** Which code runs. */
export interface Build {
  /** SHA-256 over everything that was built, 16 hex digits; `source` where the sources run. */
  build: string
  version: string
}

let known: Build | undefined

/**
 * The build of the running code, as `build.json` above its bundle says it: read at the first call only, because the
 * package may be replaced under what runs. Throws when a bundle has none.
 */
export function thisBuild(): Build {
  known ??= readBuild(import.meta.filename)
  return known
}

/** The build that a file of code belongs to. Throws when it is a bundle without a `build.json` above it. */
export function readBuild(codeFile: string): Build {
  if (codeFile.endsWith('.ts')) return { build: 'source', version: appVersion() }
  for (let folder = dirname(codeFile); ; folder = dirname(folder)) {
    const file = join(folder, 'build.json')
    if (existsSync(file)) return parseBuild(file)
    if (folder === dirname(folder)) throw new Error(`no build.json above ${codeFile}: run npm run build`)
  }
}

function parseBuild(file: string): Build {
  const read: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (typeof read === 'object' && read !== null && 'build' in read && 'version' in read) {
    const { build, version } = read
    if (typeof build === 'string' && typeof version === 'string') return { build, version }
  }
  throw new Error(`${file} is not of a build of Zotbar`)
}
