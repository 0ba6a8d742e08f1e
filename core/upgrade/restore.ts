import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import { trySyncFolder } from '../../lib/sync-file.ts'
import { copySynced, readManifest, type SnapshotFile, type SnapshotManifest } from './databases.ts'

/** What became of the databases: as at the snapshot, or as they were a moment ago, with the sentence why. */
export type Restored = { kind: 'restored' } | { kind: 'refused'; why: string }

type Copied = Extract<SnapshotFile, { state: 'copied' }>

/**
 * Puts the databases back as they were at the snapshot, with nobody writing. Each goes back to the path that it was
 * copied from. All copies are verified, and staged beside what they replace, before the first of them takes its place;
 * a database that was not there at the snapshot is kept in the snapshot before it goes. A kill at any instant leaves
 * each database whole, either of the two; the same call again goes on.
 */
export async function restoreDatabases(snapshot: string, roots: readonly string[]): Promise<Restored> {
  const read = await readManifest(snapshot)
  if ('why' in read) return refused(read.why)
  const wrong = otherRoots(read, roots) ?? (await firstWrongCopy(snapshot, read))
  if (wrong !== undefined) return refused(wrong)
  const staged: { from: string; to: string }[] = []
  const spare: string[] = []
  try {
    for (const file of read.files) {
      if (file.state === 'absent') {
        if (await isKept(file, snapshot, read)) spare.push(live(file))
        continue
      }
      if (await isSame(file)) continue
      const to = live(file)
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
  for (const file of spare) await rm(file)
  for (const root of read.roots) await trySyncFolder(root)
  return { kind: 'restored' }
}

const refused = (why: string): Restored => ({ kind: 'refused', why })
const live = ({ root, name }: SnapshotFile): string => join(root, name)

function otherRoots({ roots }: SnapshotManifest, now: readonly string[]): string | undefined {
  const [then, today] = [new Set(roots), new Set(now)]
  const same = then.size === today.size && [...then].every(root => today.has(root))
  return same
    ? undefined
    : `The copies are of other data folders (${roots.join(', ')}) than config.json names now (${now.join(', ')}).`
}

async function firstWrongCopy(snapshot: string, { files }: SnapshotManifest): Promise<string | undefined> {
  for (const file of files) {
    if (file.state === 'absent') continue
    const copy = join(snapshot, file.copy)
    const sha256 = await sha256Of(copy).catch((error: unknown) => new Error(reasonOf(error)))
    if (sha256 instanceof Error) return `The copy of ${live(file)} cannot be read: ${sha256.message}.`
    if (sha256 !== file.sha256) return `The copy of ${live(file)} is not what was copied.`
  }
  return undefined
}

async function isSame(file: Copied): Promise<boolean> {
  try {
    return (await stat(live(file))).size === file.bytes && (await sha256Of(live(file))) === file.sha256
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}

/** There was none at the snapshot: what is there now, if anything, was made since, and is copied to the snapshot. */
async function isKept(file: SnapshotFile, snapshot: string, { roots }: SnapshotManifest): Promise<boolean> {
  const from = live(file)
  const sha256 = await sha256Of(from).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  })
  if (sha256 === undefined) return false
  const kept = join(snapshot, 'made-since', `root-${roots.indexOf(file.root)}`, file.name)
  await mkdir(dirname(kept), { recursive: true, mode: 0o700 })
  await copySynced(from, kept)
  if ((await sha256Of(kept)) !== sha256) throw new Error(`${kept} is not what was copied`)
  await trySyncFolder(dirname(kept))
  return true
}
