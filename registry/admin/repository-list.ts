import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FactStore, ManifestFacts } from '../metadata/manifest-facts.ts'
import type { Activity, Pulls } from '../metadata/pulls.ts'
import { isRepositoryName } from '../oci/reference.ts'
import type { DamagedRepository } from '../storage/damage.ts'
import type { Storage } from '../storage/storage.ts'
import { createFactReader } from './fact-reader.ts'
import { refuse, send } from './reply.ts'

export interface RepositoryListDeps {
  readonly storage: Pick<Storage, 'manifests' | 'blobs' | 'repositories' | 'damaged'>
  readonly pulls: Pick<Pulls, 'list'> | undefined
  /** Undefined: each list reads every manifest. */
  readonly facts: FactStore | undefined
}

/** So many lists at once. */
const maxLists = 4
/** Others get their turn after so long, ms. */
const turnMs = 4
/** Manifests that are read side by side where nothing is known of them yet. */
const width = 8

interface TagFacts extends Partial<Activity> {
  readonly tag: string
  readonly digest: string
  readonly mediaType: string
  readonly size?: number
  readonly platforms: readonly string[]
}

type Line =
  | {
      readonly repository: string
      readonly tags: readonly TagFacts[]
      /** Manifests without a tag that an index of the repository names, and all others without a tag. */
      readonly children: number
      readonly untagged: number
    }
  | { readonly repository: string; readonly unreadable: string }
  | { readonly end: true; readonly repositories: number }

/** Answers `GET /repositories`: one line of JSON for each repository, docs/admin-socket.md. */
export function repositoryLists({ storage, pulls, facts }: RepositoryListDeps) {
  const factsOf = createFactReader(storage, facts)
  let active = 0

  async function lineOf(name: string, inUse: Set<string>): Promise<Line | undefined> {
    const listed = await storage.manifests.entries(name)
    if (!listed.ok) {
      const damage = storage.damaged().find(({ repository }) => repository === name)
      if (!damage && listed.error.name === 'name-unknown') return undefined
      return { repository: name, unreadable: damage?.reason ?? 'it cannot be read' }
    }
    const tags: TagFacts[] = []
    const children = new Set<string>()
    const tagged = new Set<string>()
    const activity = pulls?.list(name)
    const known = new Map<string, ManifestFacts | undefined>()
    const unknown: string[] = []
    for (const { digest } of listed.value) {
      inUse.add(digest)
      if (known.has(digest)) continue
      const remembered = facts?.get(digest)
      known.set(digest, remembered)
      if (!remembered) unknown.push(digest)
    }
    await sideBySide(unknown, async digest => {
      known.set(digest, await factsOf(name, digest))
    })
    for (const { digest, mediaType, tag } of listed.value) {
      const said = known.get(digest)
      for (const child of said?.children ?? []) children.add(child)
      if (tag === undefined) continue
      tagged.add(digest)
      const size = said === undefined ? {} : { size: said.size }
      const platforms = said?.platforms ?? []
      tags.push({ tag, digest, mediaType, ...size, platforms, ...activity?.get(tag) })
    }
    tags.sort((one, other) => (one.tag < other.tag ? -1 : 1))
    const loose = new Set(listed.value.flatMap(({ digest }) => (tagged.has(digest) ? [] : [digest])))
    const named = [...loose].filter(digest => children.has(digest)).length
    return { repository: name, tags, children: named, untagged: loose.size - named }
  }

  async function list(response: ServerResponse, query: URLSearchParams): Promise<void> {
    const one = query.get('repository')
    const from = query.get('from') ?? ''
    if (one !== null && !isRepositoryName(one)) return send(response, refuse(400, 'not a repository name'))
    const found = one === null ? await storage.repositories() : undefined
    if (found && !found.ok) return send(response, refuse(500, 'the repositories cannot be listed'))
    const names = found ? allNames(found.value, storage.damaged(), from) : [one ?? '']
    const inUse = new Set<string>()
    let repositories = 0
    let turn = performance.now()
    response.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
    for (const name of names) {
      const line = await lineOf(name, inUse)
      if (response.destroyed) return
      if (line === undefined) continue
      repositories++
      if (!response.write(`${JSON.stringify(line)}\n`)) await drained(response)
      if (performance.now() - turn < turnMs) continue
      await new Promise(resolve => setImmediate(resolve))
      turn = performance.now()
    }
    const end: Line = { end: true, repositories }
    response.end(`${JSON.stringify(end)}\n`)
    if (one === null && from === '') facts?.forgetOthers(inUse)
  }

  return {
    async open(response: ServerResponse, query: URLSearchParams): Promise<void> {
      if (active >= maxLists) return send(response, refuse(503, `${maxLists} lists are under way`))
      active++
      try {
        await list(response, query)
      } finally {
        active--
        facts?.flush()
      }
    },
  }
}

/** Sorted, from `from` on; those that cannot even be entered are among them. */
function allNames(
  found: readonly string[],
  damaged: readonly DamagedRepository[],
  from: string,
): readonly string[] {
  const names = new Set([...found, ...damaged.map(({ repository }) => repository)])
  return [...names].filter(name => name >= from).sort()
}

/** A client that stops reading ends its list. */
async function drained(response: ServerResponse): Promise<void> {
  const ended = new AbortController()
  const closed = (): void => ended.abort()
  response.once('close', closed)
  try {
    await once(response, 'drain', { signal: ended.signal })
  } catch {
    // It was closed.
  } finally {
    response.off('close', closed)
  }
}

async function sideBySide<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
}
