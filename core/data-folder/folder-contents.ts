import { opendir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderFound } from '../../contract/undecided.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { refName } from '../../lib/store-names.ts'

/** What a folder holds, as far as a short scan finds. */
export type FolderContents = Pick<FolderFound, 'holds' | 'repositories' | 'tags' | 'atLeast'>

/** The scan stops here: it tells whether there are images and counts no large store. */
const limits = { folders: 4000, repositories: 1000, depth: 12 }
/** Names of the system or of an engine: neither repositories nor files of somebody else. */
const reservedNames = /^(\.|_|lost\+found$)/

/** Scans a data folder for repositories, without their blobs. Throws as the file system does. */
export async function inspectContents(folder: string): Promise<FolderContents> {
  let repositories = 0
  let tags = 0
  let folders = 0
  let hasOtherFiles = false
  let isPartial = false
  const waiting: { path: string; depth: number }[] = [{ path: folder, depth: 0 }]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (++folders > limits.folders || repositories >= limits.repositories) {
      isPartial = true
      break
    }
    const { path, depth } = next
    const entries = await entriesOf(path)
    const has = (name: string): boolean => entries.some(entry => entry.name === name)
    // A repository that lost its index still is one.
    const isRepository = depth > 0 && (has('index.json') || (has('oci-layout') && has('blobs')))
    if (isRepository) {
      repositories++
      tags += await tagsIn(join(path, 'index.json'))
    }
    for (const entry of entries) {
      if (reservedNames.test(entry.name) || entry.name === 'blobs') continue
      if (!entry.isFolder) hasOtherFiles ||= depth === 0 && !/^(meta|cache)\.db$/.test(entry.name)
      else if (depth < limits.depth) waiting.push({ path: join(path, entry.name), depth: depth + 1 })
    }
    hasOtherFiles ||= depth > 0 && !isRepository && entries.some(entry => !entry.isFolder)
  }
  if (repositories > 0)
    return { holds: 'images', repositories, tags, ...(isPartial ? { atLeast: true } : {}) }
  return { holds: hasOtherFiles || isPartial ? 'other-files' : 'nothing' }
}

async function entriesOf(path: string): Promise<{ name: string; isFolder: boolean }[]> {
  const entries: { name: string; isFolder: boolean }[] = []
  for await (const entry of await opendir(path)) {
    entries.push({ name: entry.name, isFolder: entry.isDirectory() })
    if (entries.length > limits.folders) break
  }
  return entries
}

/** Manifests with a tag in an index; one that cannot be read has none that is known. */
async function tagsIn(file: string): Promise<number> {
  const index = parseJson(await readFile(file, 'utf8').catch(() => ''))
  return isObject(index) && Array.isArray(index['manifests']) ? index['manifests'].filter(isTagged).length : 0
}

const isTagged = (entry: unknown): boolean =>
  isObject(entry) && isObject(entry['annotations']) && refName in entry['annotations']
