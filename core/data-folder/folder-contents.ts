import { opendir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FolderFound } from '../../contract/undecided.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { refName } from '../../lib/store-names.ts'

/** What a folder holds, as far as a short look tells. */
export type FolderContents = Pick<FolderFound, 'holds' | 'repositories' | 'tags' | 'atLeast'>

/** A look ends after so many folders, or repositories: it says whether there are images, it does not count a store. */
const most = { folders: 4000, repositories: 1000, depth: 12 }
/** No names of repositories, and never counted as files of somebody. */
const systems = /^(\.|_|lost\+found$)/

/** Looks for repositories in a data folder, without blobs. Throws as the file system does. */
export async function inspectContents(folder: string): Promise<FolderContents> {
  let repositories = 0
  let tags = 0
  let folders = 0
  let others = false
  let cut = false
  const waiting: { path: string; depth: number }[] = [{ path: folder, depth: 0 }]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    if (++folders > most.folders || repositories >= most.repositories) {
      cut = true
      break
    }
    const { path, depth } = next
    const entries = await entriesOf(path)
    const has = (name: string): boolean => entries.some(entry => entry.name === name)
    // One that lost its index is no folder of somebody else.
    const isRepository = depth > 0 && (has('index.json') || (has('oci-layout') && has('blobs')))
    if (isRepository) {
      repositories++
      tags += await tagsIn(join(path, 'index.json'))
    }
    for (const entry of entries) {
      if (systems.test(entry.name) || entry.name === 'blobs') continue
      if (!entry.isFolder) others ||= depth === 0 && !/^(meta|cache)\.db$/.test(entry.name)
      else if (depth < most.depth) waiting.push({ path: join(path, entry.name), depth: depth + 1 })
    }
    others ||= depth > 0 && !isRepository && entries.some(entry => !entry.isFolder)
  }
  if (repositories > 0) return { holds: 'images', repositories, tags, ...(cut ? { atLeast: true } : {}) }
  return { holds: others || cut ? 'other-files' : 'nothing' }
}

async function entriesOf(path: string): Promise<{ name: string; isFolder: boolean }[]> {
  const found: { name: string; isFolder: boolean }[] = []
  for await (const entry of await opendir(path)) {
    found.push({ name: entry.name, isFolder: entry.isDirectory() })
    if (found.length > most.folders) break
  }
  return found
}

/** Manifests with a tag in an index; one that cannot be read has none that is known. */
async function tagsIn(file: string): Promise<number> {
  const index = parseJson(await readFile(file, 'utf8').catch(() => ''))
  return isObject(index) && Array.isArray(index['manifests']) ? index['manifests'].filter(isTagged).length : 0
}

const isTagged = (entry: unknown): boolean =>
  isObject(entry) && isObject(entry['annotations']) && refName in entry['annotations']
