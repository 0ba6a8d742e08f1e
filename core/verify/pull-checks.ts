import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { Result } from '../../contract/result.ts'
import { parseJson } from '../../lib/json.ts'
import { isDotSegment, referencePath } from '../platform/reference-path.ts'
import type { RegistryAnswer, RegistryRequest } from '../platform/registry-http.ts'
import { inParallel } from '../platform/tasks.ts'
import { type Inventory, maxSampleBytes } from './inventory.ts'

export type SendRegistryRequest = (path: string, options?: RegistryRequest) => Promise<Result<RegistryAnswer>>

export const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ')

interface TagOptions {
  /** Tags and their digests, by repository. */
  tags: ReadonlyMap<string, ReadonlyMap<string, string>>
  ask: SendRegistryRequest
  /** Whether a repository holds copies of an upstream, which a request for a tag would ask. */
  isCached(repository: string): boolean
  progress(done: number, total: number): void
  signal: AbortSignal
}

/** So many tags are asked for by name, spread over all of them; the others are found in the lists. */
const maxCheckedTags = 500

/** What came of asking for all of them: `asked` of `total` were answered, the others asked for a credential. */
export interface Asked {
  /** Half a sentence: the first that is not as it should be. */
  problem?: string
  asked: number
  total: number
}

/** The first tag that is not served, or with another digest. What the app may not read over HTTP is counted. */
export async function findUnservedTag(options: TagOptions): Promise<Asked> {
  const { tags, ask, isCached, progress, signal } = options
  const all = [...tags]
  const total = all.reduce((sum, [, ownTags]) => sum + ownTags.size, 0)
  const every = Math.max(1, Math.ceil(total / maxCheckedTags))
  let count = 0
  let asked = 0
  const wrong = (problem: string): Asked => ({ problem, asked, total })
  for (const [at, [repository, ownTags]] of all.entries()) {
    if (signal.aborted) return wrong('it was cancelled')
    progress(at, all.length)
    const served = await servedTags(repository, ask, signal)
    if (served === 'not-allowed') continue
    if (typeof served === 'string') return wrong(served)
    asked += ownTags.size
    const chosen: [string, string][] = []
    for (const [tag, digest] of ownTags) {
      if (!served.has(tag)) return wrong(`${repository}:${tag} is not served any more`)
      if (count++ % every === 0) chosen.push([tag, digest])
    }
    if (isCached(repository)) continue
    const problems = await inParallel(chosen, ([tag, digest]) =>
      findOtherDigest({ repository, tag, digest }, ask),
    )
    const first = problems.find(problem => problem !== undefined && problem !== 'not-allowed')
    if (first !== undefined) return wrong(first)
    asked -= problems.filter(problem => problem === 'not-allowed').length
  }
  return { asked, total }
}

async function findOtherDigest(
  { repository, tag, digest }: { repository: string; tag: string; digest: string },
  ask: SendRegistryRequest,
): Promise<string | undefined> {
  // It is in the list of tags, which is all that anybody can be served of it.
  if (isDotSegment(tag)) return undefined
  const path = `/v2/${repository}/manifests/${referencePath(tag)}`
  const response = await ask(path, { method: 'HEAD', accept: manifestTypes })
  if (!response.ok) return `${repository}:${tag} cannot be asked for`
  const { status, header } = response.value
  if (status === 401 || status === 403) return 'not-allowed'
  if (status !== 200) return `${repository}:${tag} is answered with ${status}`
  const served = header('docker-content-digest')
  return served === undefined || served === digest
    ? undefined
    : `${repository}:${tag} is served as another image: ${digest} became ${served}`
}

const tagList = v.object({ tags: v.optional(v.nullable(v.array(v.string())), []) })

/** More than any repository has, at a hundred tags a page or more. */
const maxTagPages = 10_000

async function servedTags(
  repository: string,
  ask: SendRegistryRequest,
  signal: AbortSignal,
): Promise<Set<string> | string> {
  const pages = new Set<string>()
  const served = new Set<string>()
  let path: string | undefined = `/v2/${repository}/tags/list`
  while (path !== undefined) {
    if (signal.aborted) return 'it was cancelled'
    if (pages.has(path)) return `the list of tags of ${repository} comes back to a page that it had before`
    if (pages.size === maxTagPages)
      return `the list of tags of ${repository} does not end after ${maxTagPages} pages`
    pages.add(path)
    const response: Result<RegistryAnswer> = await ask(path)
    if (!response.ok) return `the tags of ${repository} cannot be read`
    const { status, body } = response.value
    if (status === 401 || status === 403) return 'not-allowed'
    if (status !== 200) return `the tags of ${repository} are answered with ${status}`
    const read = v.safeParse(tagList, parseJson(body.toString('utf8')))
    if (!read.success) return `the tags of ${repository} are answered with something else`
    for (const tag of read.output.tags ?? []) served.add(tag)
    path = /^<([^>]+)>;\s*rel="?next"?/.exec(response.value.header('link') ?? '')?.[1]
  }
  return served
}

/** Pulls the sample by digest: each answer must be the bytes that the digest names. */
export async function findWrongBytes(
  { sample }: Pick<Inventory, 'sample'>,
  ask: SendRegistryRequest,
): Promise<Asked> {
  const total = sample.length
  let asked = 0
  for (const { repository, manifest, blobs } of sample) {
    const wrong = (problem: string): Asked => ({ problem, asked, total })
    let isRefused = false
    const wanted = [
      { path: `/v2/${repository}/manifests/${manifest}`, digest: manifest },
      ...blobs.map(digest => ({ path: `/v2/${repository}/blobs/${digest}`, digest })),
    ]
    for (const { path, digest } of wanted) {
      const response = await ask(path, { accept: `${manifestTypes}, */*`, maxBytes: maxSampleBytes })
      if (!response.ok) return wrong(`a pull of ${repository}@${digest} broke off`)
      const { status, body } = response.value
      isRefused = status === 401 || status === 403
      if (isRefused) break
      if (status !== 200) return wrong(`a pull of ${repository}@${digest} is answered with ${status}`)
      const [algorithm = ''] = digest.split(':')
      if (`${algorithm}:${createHash(algorithm).update(body).digest('hex')}` !== digest)
        return wrong(`a pull of ${repository}@${digest} gives other bytes`)
    }
    if (!isRefused) asked += 1
  }
  return { asked, total }
}
