import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { Result } from '../../preload/contract/result.ts'
import type { RegistryAnswer, RegistryAsk } from '../platform/registry-http.ts'
import { type Census, largestSample, takeCensus } from './census.ts'

export type Ask = (path: string, options?: RegistryAsk) => Promise<Result<RegistryAnswer>>

interface GateOptions {
  census: Census
  roots: readonly string[]
  ask: Ask
  progress(done: number, total: number): void
  signal: AbortSignal
}

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
].join(', ')

/**
 * The first tag that is not in the store, or not served, any more; what the app may not read over HTTP is judged by the
 * disk alone. Throws when the store cannot be read.
 */
export async function missingTag(options: GateOptions): Promise<string | undefined> {
  const { census, roots, ask, progress, signal } = options
  const now = await takeCensus(roots)
  for (const [repository, tags] of Object.entries(census.repositories))
    for (const tag of Object.keys(tags))
      if (now.repositories[repository]?.[tag] === undefined)
        return `${repository}:${tag} is no longer in the data folder`
  const names = Object.entries(census.repositories).filter(([, tags]) => Object.keys(tags).length > 0)
  for (const [at, [repository, tags]] of names.entries()) {
    if (signal.aborted) return 'it was cancelled'
    progress(at, names.length)
    const served = await servedTags(repository, ask)
    if (served === 'not-allowed') continue
    if (typeof served === 'string') return served
    const lost = Object.keys(tags).find(tag => !served.has(tag))
    if (lost !== undefined) return `${repository}:${lost} is not served any more`
  }
  return undefined
}

const tagList = v.object({ tags: v.optional(v.nullable(v.array(v.string())), []) })

async function servedTags(repository: string, ask: Ask): Promise<Set<string> | string> {
  const served = new Set<string>()
  let path: string | undefined = `/v2/${repository}/tags/list`
  while (path !== undefined) {
    const asked: Result<RegistryAnswer> = await ask(path)
    if (!asked.ok) return `the tags of ${repository} cannot be read`
    const { status, body } = asked.value
    if (status === 401 || status === 403) return 'not-allowed'
    if (status !== 200) return `the tags of ${repository} are answered with ${status}`
    const read = v.safeParse(tagList, parseJson(body.toString('utf8')))
    if (!read.success) return `the tags of ${repository} are answered with something else`
    for (const tag of read.output.tags ?? []) served.add(tag)
    path = /^<([^>]+)>;\s*rel="?next"?/.exec(asked.value.header('link') ?? '')?.[1]
  }
  return served
}

/** Pulls the sample by digest: each answer must be the bytes that the digest names. */
export async function wrongBytes({ sample }: Census, ask: Ask): Promise<string | undefined> {
  for (const { repository, manifest, blobs } of sample) {
    const wanted = [
      { path: `/v2/${repository}/manifests/${manifest}`, digest: manifest },
      ...blobs.map(digest => ({ path: `/v2/${repository}/blobs/${digest}`, digest })),
    ]
    for (const { path, digest } of wanted) {
      const asked = await ask(path, { accept: `${manifestTypes}, */*`, mostBytes: largestSample })
      if (!asked.ok) return `a pull of ${repository}@${digest} broke off`
      const { status, body } = asked.value
      if (status === 401 || status === 403) break
      if (status !== 200) return `a pull of ${repository}@${digest} is answered with ${status}`
      const [algorithm = ''] = digest.split(':')
      if (`${algorithm}:${createHash(algorithm).update(body).digest('hex')}` !== digest)
        return `a pull of ${repository}@${digest} gives other bytes`
    }
  }
  return undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
