import { constants, copyFile, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import * as v from 'valibot'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import { zotDatabases } from '../../lib/store-names.ts'
import { syncFile, trySyncFolder } from '../../lib/sync-file.ts'
import { isFile } from './library.ts'

const digest = { bytes: v.number(), sha256: v.string() }
const manifest = v.object({
  format: v.literal(1),
  /** Absolute, in the order of config.json. */
  roots: v.array(v.string()),
  files: v.array(
    v.variant('state', [
      /** `copy`: relative to the snapshot. */
      v.object({
        state: v.literal('copied'),
        root: v.string(),
        name: v.picklist(zotDatabases),
        copy: v.string(),
        ...digest,
      }),
      v.object({ state: v.literal('absent'), root: v.string(), name: v.picklist(zotDatabases) }),
    ]),
  ),
})
/** What a snapshot holds. It is written last: a snapshot without it is not whole. */
type SnapshotManifest = v.InferOutput<typeof manifest>
type SnapshotFile = SnapshotManifest['files'][number]

const manifestFile = (snapshot: string): string => join(snapshot, 'manifest.json')
const outdatedFile = (snapshot: string): string => join(snapshot, 'manifest.outdated.json')

/** How many bytes a snapshot of these folders takes at most. */
export async function databaseBytes(roots: readonly string[]): Promise<number> {
  const sizes = roots.flatMap(root =>
    zotDatabases.map(name =>
      stat(join(root, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}

/**
 * Copies config.json and the databases of every data folder, with nobody writing: copy on write where the file system
 * can, synced and compared. The manifest comes last, so that a kill leaves a snapshot that is whole or not used; one
 * that was begun is begun again.
 */
export async function takeSnapshot(
  snapshot: string,
  configFile: string,
  roots: readonly string[],
): Promise<void> {
  await rm(snapshot, { recursive: true, force: true })
  await mkdir(snapshot, { recursive: true, mode: 0o700 })
  await copySynced(configFile, join(snapshot, 'config.json'))
  const files: SnapshotFile[] = []
  for (const [at, root] of roots.entries()) {
    await mkdir(join(snapshot, `root-${at}`), { mode: 0o700 })
    for (const name of zotDatabases) {
      const from = join(root, name)
      if (await isAbsent(from)) {
        files.push({ state: 'absent', root, name })
        continue
      }
      const copy = join(`root-${at}`, name)
      await copySynced(from, join(snapshot, copy))
      files.push({ state: 'copied', root, name, copy, ...(await digestOfCopy(from, join(snapshot, copy))) })
    }
    await trySyncFolder(join(snapshot, `root-${at}`))
  }
  await trySyncFolder(snapshot)
  const whole: SnapshotManifest = { format: 1, roots: [...roots], files }
  await writeAtomic(manifestFile(snapshot), `${JSON.stringify(whole, null, 2)}\n`)
}

/** Throws for anything but a file or nothing: a database that cannot be read is not absent. */
async function isAbsent(path: string): Promise<boolean> {
  try {
    if ((await stat(path)).isFile()) return false
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true
    throw error
  }
  throw new Error(`${path} is no file`)
}

async function digestOfCopy(a: string, b: string): Promise<{ bytes: number; sha256: string }> {
  const sha256 = await sha256Of(a)
  if (sha256 !== (await sha256Of(b))) throw new Error(`${b} is not what was copied from ${a}`)
  return { bytes: (await stat(b)).size, sha256 }
}

/** Copy on write where the file system can, synced. */
async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  await syncFile(to)
}

/** The manifest of a snapshot, or why there is none, as a sentence. */
async function readManifest(snapshot: string): Promise<SnapshotManifest | { why: string }> {
  const text = await readFile(manifestFile(snapshot), 'utf8').catch((error: unknown) => errorCode(error))
  if (text === 'ENOENT' && (await isFile(outdatedFile(snapshot))))
    return { why: 'The registry has served since the copies were made, while the upgrade could not go on.' }
  if (text === 'ENOENT')
    return {
      why: 'The copies have no list of what they hold: they are gone, were never finished, or were made by a Zotbar that wrote none.',
    }
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), manifest), text)
  return read.success ? read.output : { why: 'The list of what the copies hold cannot be read.' }
}

/** The registry is about to serve outside the run: from then on the copies are older than what is acknowledged. */
export async function markOutdated(snapshot: string): Promise<void> {
  // A rename needs no space, where the disk is full.
  await rename(manifestFile(snapshot), outdatedFile(snapshot)).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT') throw error
  })
  await trySyncFolder(snapshot)
}

/** How many snapshots are retained, that of the run under way included. */
const retainedSnapshots = 3

/** Only the newest are retained: their names begin with the time. That of the run under way always stays. */
export async function pruneSnapshots(folder: string, current: string): Promise<void> {
  const otherSnapshots = (await readdir(folder).catch(() => [])).filter(name => name !== current).sort()
  for (const name of otherSnapshots.slice(0, Math.max(0, otherSnapshots.length - (retainedSnapshots - 1))))
    await rm(join(folder, name), { recursive: true, force: true })
}

/** What became of the databases: as at the snapshot, or as they were a moment ago, with the sentence why. */
export type RestoreResult = { kind: 'restored' } | { kind: 'refused'; why: string }

type Copied = Extract<SnapshotFile, { state: 'copied' }>

/**
 * Puts the databases back as they were at the snapshot, with nobody writing. Each goes back to the path that it was
 * copied from. All copies are verified, and staged beside what they replace, before the first of them takes its place;
 * a database that was not there at the snapshot is preserved in the snapshot before it goes. A kill at any instant leaves
 * each database whole, either of the two; the same call again goes on.
 */
export async function restoreDatabases(snapshot: string, roots: readonly string[]): Promise<RestoreResult> {
  const read = await readManifest(snapshot)
  if ('why' in read) return refused(read.why)
  const problem = rootMismatch(read, roots) ?? (await findWrongCopy(snapshot, read))
  if (problem !== undefined) return refused(problem)
  const staged: { from: string; to: string }[] = []
  const replaced: string[] = []
  try {
    for (const file of read.files) {
      if (file.state === 'absent') {
        if (await preserveNewer(file, snapshot, read)) replaced.push(livePath(file))
        continue
      }
      if (await isUnchanged(file)) continue
      const to = livePath(file)
      const from = `${to}.zotbar`
      staged.push({ from, to })
      await copySynced(join(snapshot, file.copy), from)
      if ((await sha256Of(from)) !== file.sha256) throw new Error(`${from} is not what was copied`)
    }
  } catch (error) {
    for (const { from } of staged) await rm(from, { force: true }).catch(() => {})
    return refused(`A copy cannot be put beside its database: ${reasonOf(error)}.`)
  }
  for (const { from, to } of staged) await rename(from, to)
  for (const file of replaced) await rm(file)
  for (const root of read.roots) await trySyncFolder(root)
  return { kind: 'restored' }
}

const refused = (why: string): RestoreResult => ({ kind: 'refused', why })
const livePath = ({ root, name }: SnapshotFile): string => join(root, name)

function rootMismatch({ roots }: SnapshotManifest, now: readonly string[]): string | undefined {
  const [then, today] = [new Set(roots), new Set(now)]
  const same = then.size === today.size && [...then].every(root => today.has(root))
  return same
    ? undefined
    : `The copies are of other data folders (${roots.join(', ')}) than config.json names now (${now.join(', ')}).`
}

async function findWrongCopy(snapshot: string, { files }: SnapshotManifest): Promise<string | undefined> {
  for (const file of files) {
    if (file.state === 'absent') continue
    const copy = join(snapshot, file.copy)
    const sha256 = await sha256Of(copy).catch((error: unknown) => new Error(reasonOf(error)))
    if (sha256 instanceof Error) return `The copy of ${livePath(file)} cannot be read: ${sha256.message}.`
    if (sha256 !== file.sha256) return `The copy of ${livePath(file)} is not what was copied.`
  }
  return undefined
}

async function isUnchanged(file: Copied): Promise<boolean> {
  try {
    return (
      (await stat(livePath(file))).size === file.bytes && (await sha256Of(livePath(file))) === file.sha256
    )
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** There was none at the snapshot: what is there now, if anything, was made since, and is copied to the snapshot. */
async function preserveNewer(
  file: SnapshotFile,
  snapshot: string,
  { roots }: SnapshotManifest,
): Promise<boolean> {
  const from = livePath(file)
  const sha256 = await sha256Of(from).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (sha256 === undefined) return false
  const preserved = join(snapshot, 'made-since', `root-${roots.indexOf(file.root)}`, file.name)
  await mkdir(dirname(preserved), { recursive: true, mode: 0o700 })
  await copySynced(from, preserved)
  if ((await sha256Of(preserved)) !== sha256) throw new Error(`${preserved} is not what was copied`)
  await trySyncFolder(dirname(preserved))
  return true
}
