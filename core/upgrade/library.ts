import {
  chmod,
  constants,
  copyFile,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  symlink,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import * as v from 'valibot'
import type { BadVersion } from '../../contract/upgrade.ts'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode } from '../../lib/error-code.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import { parseJson } from '../../lib/json.ts'
import { syncFile, trySyncFolder } from '../../lib/sync-file.ts'
import { isComparable } from '../platform/zot-version.ts'
import type { InstalledZot } from './memory.ts'

const label = v.object({ version: v.string(), sha256: v.string(), from: v.string(), at: v.number() })
const badFile = v.record(
  v.string(),
  v.object({ at: v.number(), reason: v.string(), sha256: v.exactOptional(v.string()) }),
)
const pastFile = v.array(v.string())

/**
 * The programs under HOME/engines/zot: `NAME/zot` with a label beside it, the link `current` to the folder of the one
 * that is used, `bad.json` and `past.json`.
 */
export interface Library {
  folder: string
  /** The program through the link: what the setting `engine.path` names once an upgrade was made. */
  program: string
  list(): Promise<InstalledZot[]>
  /** The program that the link leads to now. */
  activeProgram(): Promise<string | undefined>
  /** Turns the link to a folder, in one step that a kill cannot divide. */
  activate(name: string): Promise<void>
  /** Moves a staged folder, which holds `zot`, to its place; one that is there with the same bytes stays. */
  add(
    staged: string,
    label: { version: string; sha256: string; from: string; at: number },
  ): Promise<InstalledZot>
  /** A copy of a program that lies elsewhere; itself where it lies here already. */
  preserve(program: string, version: string | undefined, at: number): Promise<InstalledZot>
  remove(name: string): Promise<void>
  bad(): Promise<Record<string, BadVersion>>
  markBad(version: string, reason: { at: number; reason: string; sha256: string }): Promise<void>
  clearBad(version: string): Promise<void>
  /** Names of the folders that were used before, the last one last. */
  previous(): Promise<string[]>
  setPrevious(names: string[]): Promise<void>
}

export function createLibrary(home: string): Library {
  const folder = join(home, 'engines', 'zot')
  const link = join(folder, 'current')
  const badPath = join(folder, 'bad.json')
  const pastPath = join(folder, 'past.json')
  const programIn = (name: string): string => join(folder, name, 'zot')

  async function describe(name: string): Promise<InstalledZot | undefined> {
    const path = programIn(name)
    if (!(await isFile(path))) return undefined
    const read = v.safeParse(label, await readJson(join(folder, name, 'label.json')))
    const version = read.success ? read.output.version : isComparable(name) ? name : undefined
    if (version === undefined) return undefined
    return { name, version, path, sha256: read.success ? read.output.sha256 : '' }
  }

  /** "v2.1.15", or with the beginning of its digest where that name has other bytes. */
  async function freeName(version: string, sha256: string): Promise<{ name: string; there: boolean }> {
    for (const name of [version, `${version}+${sha256.slice(0, 12)}`]) {
      const path = programIn(name)
      if (await isAbsent(path)) return { name, there: false }
      // A link that somebody made leads to what may be in use: it is never taken away.
      if ((await isFile(path)) && (await sha256Of(path)) === sha256) return { name, there: true }
    }
    throw new Error(`${version} is there with other bytes`)
  }

  const writeLabel = (to: string, content: v.InferOutput<typeof label>): Promise<void> =>
    writeAtomic(join(to, 'label.json'), `${JSON.stringify(content)}\n`)

  return {
    folder,
    program: join(link, 'zot'),
    async list() {
      const names = (await readdir(folder, { withFileTypes: true }).catch(() => []))
        .filter(entry => entry.isDirectory())
        .map(entry => entry.name)
      const versions = await Promise.all(names.map(describe))
      return versions.filter(version => version !== undefined)
    },
    activeProgram: () => realpath(join(link, 'zot')).catch(() => undefined),
    async activate(name) {
      // A way back that needs no space.
      if ((await readlink(link).catch(() => '')) === name) return
      const staged = join(folder, `.current-${process.pid}`)
      await rm(staged, { force: true })
      await symlink(name, staged)
      await rename(staged, link)
      await trySyncFolder(folder)
    },
    async add(staged, origin) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const { name, there } = await freeName(origin.version, origin.sha256)
      const path = programIn(name)
      if (!there) {
        await writeLabel(staged, origin)
        await trySyncFolder(staged)
        // A folder without a program in it, from a run that was interrupted.
        await rm(join(folder, name), { recursive: true, force: true })
        await rename(staged, join(folder, name))
        await trySyncFolder(folder)
      }
      return { name, version: origin.version, path, sha256: origin.sha256 }
    },
    async preserve(program, reported, at) {
      const realProgram = await realpath(program)
      const known = await describe(basename(dirname(realProgram)))
      const same = known !== undefined && (await realpath(known.path)) === realProgram
      if (same && known.sha256 !== '') return known
      const sha256 = await sha256Of(realProgram)
      const version = reported ?? `unknown-${sha256.slice(0, 12)}`
      const realFolder = await realpath(folder).catch(() => folder)
      if (dirname(dirname(realProgram)) === realFolder) {
        const name = basename(dirname(realProgram))
        if ((await readJson(join(folder, name, 'label.json'))) === undefined)
          await writeLabel(join(folder, name), { version, sha256, from: realProgram, at })
        return { name, version, path: programIn(name), sha256 }
      }
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const { name, there } = await freeName(version, sha256)
      if (!there) {
        const staged = join(home, 'upgrades', `keep-${process.pid}`)
        await copyProgram(realProgram, staged, async () => {
          await writeLabel(staged, { version, sha256, from: realProgram, at })
          await rm(join(folder, name), { recursive: true, force: true })
          await rename(staged, join(folder, name))
        })
        await trySyncFolder(folder)
      }
      return { name, version, path: programIn(name), sha256 }
    },
    remove: name => rm(join(folder, name), { recursive: true, force: true }),
    async bad() {
      const read = v.safeParse(badFile, await readJson(badPath))
      return read.success ? read.output : {}
    },
    async markBad(version, mark) {
      const read = v.safeParse(badFile, await readJson(badPath))
      const all = { ...(read.success ? read.output : {}), [version]: mark }
      await writeAtomic(badPath, `${JSON.stringify(all, null, 2)}\n`)
    },
    async clearBad(version) {
      const read = v.safeParse(badFile, await readJson(badPath))
      if (!read.success || read.output[version] === undefined) return
      const { [version]: _, ...rest } = read.output
      await writeAtomic(badPath, `${JSON.stringify(rest, null, 2)}\n`)
    },
    async previous() {
      const read = v.safeParse(pastFile, await readJson(pastPath))
      return read.success ? read.output : []
    },
    setPrevious: names => writeAtomic(pastPath, `${JSON.stringify(names)}\n`),
  }
}

/** A copy of the program in a folder of its own, handed to `place`. Where either fails nothing of the folder stays. */
async function copyProgram(program: string, staged: string, place: () => Promise<void>): Promise<void> {
  const copy = join(staged, 'zot')
  try {
    await rm(staged, { recursive: true, force: true })
    await mkdir(staged, { recursive: true, mode: 0o700 })
    await copyFile(program, copy, constants.COPYFILE_FICLONE)
    await chmod(copy, 0o700)
    await syncFile(copy)
    await place()
  } catch (error) {
    await rm(staged, { recursive: true, force: true })
    throw error
  }
}

export const isFile = (path: string): Promise<boolean> =>
  lstat(path).then(
    stats => stats.isFile(),
    () => false,
  )

const isAbsent = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => false,
    (error: unknown) => errorCode(error) === 'ENOENT',
  )

async function readJson(file: string): Promise<unknown> {
  return parseJson(await readFile(file, 'utf8').catch(() => ''))
}
