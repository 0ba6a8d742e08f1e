import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '..', '..', '..')
const program = join(here, 'program.cjs')

export type Behaviour =
  | 'good'
  | 'exits-0'
  | 'never-ready'
  | 'loses-tag'
  | 'rejects-config'
  | 'dies-later'
  /** It does not report its version while it runs. */
  | 'no-search'
  /** Writes to meta.db what only another such one can open. */
  | 'new-format'
  | 'new-format-never-ready'

/**
 * A program in the machine's own format that behaves as zot: Node's single executable form, around
 * dist/registry/zotbar-registry.mjs. Built once for a version of the program and kept.
 * https://nodejs.org/docs/latest-v26.x/api/single-executable-applications.html
 */
function builtZot(): string {
  const hash = createHash('sha256').update(readFileSync(program)).update(process.version).digest('hex')
  const folder = join(root, 'node_modules', '.cache', 'zotbar-tests')
  const built = join(folder, `zot-${hash.slice(0, 16)}`)
  if (existsSync(built)) return built
  mkdirSync(folder, { recursive: true })
  const work = `${built}.${randomBytes(4).toString('hex')}`
  const settings = `${work}.json`
  writeFileSync(
    settings,
    JSON.stringify({ main: program, output: work, disableExperimentalSEAWarning: true }),
  )
  execFileSync(process.execPath, ['--build-sea', settings], { stdio: 'pipe' })
  if (process.platform === 'darwin') execFileSync('codesign', ['--sign', '-', '--force', work])
  renameSync(work, built)
  rmSync(settings)
  return built
}

/**
 * A zot of one file that needs nothing beside it: what it is told stands behind the program. `wrongArch`: for a machine
 * that this is not.
 */
export function makeZot(
  path: string,
  behaviour: Behaviour,
  version: string,
  { wrongArch = false }: { wrongArch?: boolean } = {},
): string {
  mkdirSync(dirname(path), { recursive: true })
  copyFileSync(builtZot(), path, constants.COPYFILE_FICLONE)
  const bundle = join(root, 'dist', 'registry', 'zotbar-registry.mjs')
  // The commit stands in a real one's bytes too.
  const commit = `${version}-0-g0123456789abcdef`
  appendFileSync(path, `\n${JSON.stringify({ bundle, version, commit, behaviour })}\n`)
  if (wrongArch) {
    const file = openSync(path, 'r+')
    // e_machine, elf(5).
    writeSync(file, Buffer.from(process.arch === 'x64' ? [183, 0] : [62, 0]), 0, 2, 18)
    closeSync(file)
  }
  chmodSync(path, 0o700)
  return path
}

/** Puts a zot into `folder` that behaves as told; gives its path. */
export function placeZot(folder: string, behaviour: Behaviour, version = 'v2.1.15'): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'zot')
  const built = builtZot()
  rmSync(path, { force: true })
  try {
    linkSync(built, path)
  } catch {
    copyFileSync(built, path, constants.COPYFILE_FICLONE)
  }
  tellZot(folder, behaviour, version)
  return path
}

export function tellZot(folder: string, behaviour: Behaviour, version = 'v2.1.15'): void {
  const bundle = join(root, 'dist', 'registry', 'zotbar-registry.mjs')
  writeFileSync(join(folder, 'zot.json'), JSON.stringify({ bundle, version, behaviour }))
}
