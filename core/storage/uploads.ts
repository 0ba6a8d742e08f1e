import { lstat, readdir } from 'node:fs/promises'
import type { ProcessUse } from '../platform/process-use.ts'
import { type Disk, isNotFound } from './disk.ts'
import { findChanges } from './find-changes.ts'
import { absentStamp } from './repository-reader.ts'
import type { Stamps } from './stamps.ts'
import { childrenOf } from './walk.ts'

/** An upload whose file nobody holds open may be between two requests for so long, while its client may be connected. */
const betweenRequestsMs = 5_000
/** The same where no client is connected, or nobody can say. */
const unconnectedMs = 1_000
/** A folder of uploads without an entry added or removed within this time holds no upload under way. */
const activeWithinMs = 60 * 60_000
/** Many at the same time, because most only read the time of a folder. */
const maxConcurrent = 64
/** Deeper than any repository name of 255 characters. */
const maxDepth = 128

/** What decides whether an upload is under way. Times in ms. */
export interface UploadRule {
  /** Since the epoch, by the clock of the file system. */
  now: number
  /** What follows `.uploads/` or `.sync/` in the paths that the registry holds open. */
  held: ReadonlySet<string>
  /** How long an upload that is not held open may have been still. */
  stillMs: number
  /** Whether a client is connected, which may be about to send the next part of what it pushes. */
  isConnected: boolean
}

/**
 * The rule for a registry of which this is known. It holds an upload open while it receives it and while it reads it again
 * to hash it, however long it is still; between two requests of its client it does not.
 */
export function ruleFor(use: ProcessUse | undefined, now: number): UploadRule {
  const isConnected = use !== undefined && use.clients > 0
  return {
    now,
    held: new Set(use?.files.flatMap(path => uploadKey(path) ?? [])),
    stillMs: isConnected ? betweenRequestsMs : unconnectedMs,
    isConnected,
  }
}

/** The rule where nobody asked which process it is. */
export const ruleByTime = (now: number): UploadRule => ({
  now,
  held: new Set(),
  stillMs: betweenRequestsMs,
  isConnected: false,
})

const uploadPath = /^(.+)\/\.(?:uploads|sync)\/(.+)$/

const uploadKey = (path: string): string | undefined => uploadPath.exec(path)?.[2]

/** The repositories of uploads among open files, by their data folder as the system resolves it. */
export function repositoriesOf(files: readonly string[], roots: readonly string[]): string[] {
  return files.flatMap(file => {
    const folder = uploadPath.exec(file)?.[1]
    const root = folder === undefined ? undefined : roots.find(path => folder.startsWith(`${path}/`))
    return folder === undefined || root === undefined ? [] : [folder.slice(root.length + 1)]
  })
}

/** What is being uploaded to one repository. */
export interface RepositoryUploads {
  repository: string
  /** Received so far. */
  bytes: number
  /** Their paths; none while its client is between two blobs. */
  files: string[]
}

/** What is being uploaded right now: the files in `<repository>/.uploads` and below `.sync` that the rule takes. */
export async function uploadsIn(
  folderOf: (repository: string) => string,
  repositories: Iterable<string>,
  rule: UploadRule,
): Promise<RepositoryUploads[]> {
  return inEach(repositories, async repository => {
    const { files, changedAt } = await uploadFiles(`${folderOf(repository)}/${repository}`, rule)
    const underWay = files.filter(
      ({ key, mtimeMs }) => rule.held.has(key) || rule.now - mtimeMs < rule.stillMs,
    )
    // A blob came in just now: the next one of this push, or its manifest, is about to follow.
    const isBetween = rule.isConnected && rule.now - changedAt < unconnectedMs
    if (underWay.length === 0 && !isBetween) return undefined
    return {
      repository,
      bytes: underWay.reduce((sum, { bytes }) => sum + bytes, 0),
      files: underWay.map(({ path }) => path),
    }
  })
}

/** Repositories in which an upload was left behind that is one of `known`, or was written to since `since` (ms). */
export async function uploadsLeftIn(
  folderOf: (repository: string) => string,
  repositories: Iterable<string>,
  { known, since, now }: { known: ReadonlySet<string>; since: number; now: number },
): Promise<string[]> {
  return inEach(repositories, async repository => {
    const { files } = await uploadFiles(`${folderOf(repository)}/${repository}`, ruleByTime(now))
    return files.some(({ path, mtimeMs }) => known.has(path) || mtimeMs >= since) ? repository : undefined
  })
}

/** Asks about each repository, many at a time; what was found, in the order of their names. */
async function inEach<T>(
  repositories: Iterable<string>,
  ask: (repository: string) => Promise<T | undefined>,
): Promise<T[]> {
  const found: { repository: string; value: T }[] = []
  const names = repositories[Symbol.iterator]()
  const worker = async () => {
    for (let next = names.next(); !next.done; next = names.next()) {
      const value = await ask(next.value)
      if (value !== undefined) found.push({ repository: next.value, value })
    }
  }
  await Promise.all(Array.from({ length: maxConcurrent }, worker))
  return found.sort((a, b) => (a.repository < b.repository ? -1 : 1)).map(({ value }) => value)
}

interface UploadFile {
  path: string
  key: string
  bytes: number
  mtimeMs: number
}

/** `changedAt`: when an upload was begun or ended there last, ms since the epoch; 0 for never. */
async function uploadFiles(
  folder: string,
  rule: UploadRule,
): Promise<{ files: UploadFile[]; changedAt: number }> {
  const uploads = `${folder}/.uploads`
  const synced = `${folder}/.sync`
  const files = [...(await filesIn(uploads, uploads, rule, 0)), ...(await filesIn(synced, synced, rule, 8))]
  const changedAt = await lstat(uploads).then(
    ({ ctimeMs }) => ctimeMs,
    () => 0,
  )
  return { files, changedAt }
}

/** The files in a folder, `depth` levels down. Those removed meanwhile are left out. */
async function filesIn(base: string, folder: string, rule: UploadRule, depth: number): Promise<UploadFile[]> {
  const files: UploadFile[] = []
  try {
    // Each upload adds a file, and each copy from upstream a folder: both change the time of this folder.
    if (rule.held.size === 0 && rule.now - (await lstat(folder)).ctimeMs > activeWithinMs) return []
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory() && depth > 0) files.push(...(await filesIn(base, path, rule, depth - 1)))
      if (!entry.isFile()) continue
      const { size: bytes, mtimeMs } = await lstat(path)
      files.push({ path, key: path.slice(base.length + 1), bytes, mtimeMs })
    }
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
  return files
}

/**
 * Folders with uploads that are newer than the stamps: a push into a new repository writes no index before its first
 * manifest. Reads the times of the known folders, and lists only those that changed.
 */
export async function newUploadFolders(disk: Disk, root: string, stamps: Stamps): Promise<string[]> {
  const { folders } = await findChanges(disk, root, stamps, () => false)
  const pending: { name: string; depth: number }[] = []
  for (const [name, stamp] of folders) if (stamp !== absentStamp) pending.push({ name, depth: 0 })
  const uploadFolders: string[] = []
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { name, depth } = next
    const entries = await listOrNothing(disk, name === '' ? root : `${root}/${name}`)
    if (name !== '' && entries.some(entry => entry.isFolder && /^\.(uploads|sync)$/.test(entry.name)))
      uploadFolders.push(name)
    for (const child of childrenOf(entries, name).folders)
      if (depth < maxDepth && !stamps.hasFolder(root, child)) pending.push({ name: child, depth: depth + 1 })
  }
  return uploadFolders
}

async function listOrNothing(disk: Disk, folder: string) {
  try {
    return await disk.list(folder)
  } catch {
    // One folder that cannot be read must not hide the uploads in the others.
    return []
  }
}
