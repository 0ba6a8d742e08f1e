import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { appVersion } from './app-version.ts'

/** Which code runs. */
export interface Build {
  /** SHA-256 over everything that was built, 16 hex digits; `source` where the sources run. */
  build: string
  version: string
}

interface BuildFile extends Build {
  /** SHA-256 of the registry's bundle, 64 hex digits; absent where the sources run. */
  registry?: string
}

let known: BuildFile | undefined

/** Read once only, because the package may be replaced under what runs. */
function ownBuild(): BuildFile {
  known ??= readBuild(import.meta.filename)
  return known
}

/** The build of the running code, as `build.json` above its bundle says it. Throws when a bundle has none. */
export function thisBuild(): Build {
  const { build, version } = ownBuild()
  return { build, version }
}

/** SHA-256 of the bundle of the registry that was built with the running code; undefined where the sources run. */
export const builtRegistry = (): string | undefined => ownBuild().registry

/** The build that a file of code belongs to. Throws when it is a bundle without a `build.json` above it. */
export function readBuild(codeFile: string): BuildFile {
  if (codeFile.endsWith('.ts')) return { build: 'source', version: appVersion() }
  for (let folder = dirname(codeFile); ; folder = dirname(folder)) {
    const file = join(folder, 'build.json')
    if (existsSync(file)) return parseBuild(file)
    if (folder === dirname(folder)) throw new Error(`no build.json above ${codeFile}: run npm run build`)
  }
}

function parseBuild(file: string): BuildFile {
  const read: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (
    typeof read === 'object' &&
    read !== null &&
    'build' in read &&
    'version' in read &&
    'registry' in read
  ) {
    const { build, version, registry } = read
    if (typeof build === 'string' && typeof version === 'string' && typeof registry === 'string')
      return { build, version, registry }
  }
  throw new Error(`${file} is not of a build of Zotbar`)
}
