import { createHash } from 'node:crypto'
import type { ProbeResult } from '../../contract/snapshot.ts'
import {
  formatMilliseconds,
  type KnownManifest,
  needsSignIn,
  type Probe,
  type ProbeContext,
  type ProbeResponse,
  request,
  signInMissing,
} from './probe.ts'

/** Manifests may be 4 MiB; engines refuse larger ones. */
const maxBytes = 4 * 1024 * 1024
const maxTries = 3
const accept = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.artifact.manifest.v1+json',
].join(', ')

/**
 * Is a stored image served, byte for byte? Requests one manifest by its digest, of another repository in each round, and
 * never a tag or a cached repository, because both would reach the upstream. It asks with HEAD and reads the bytes as a
 * blob, because zot counts every GET of a manifest as a pull, which its retention rules use.
 */
export const manifestProbe: Probe = {
  id: 'manifest',
  run: async context => {
    const known = context.repositories()
    if (!known) return skipped('the store is being counted')
    const candidates = candidatesOf(known, context)
    if (candidates.length === 0)
      return skipped(isEmpty(known) ? 'no image yet' : 'only copies from upstreams')
    for (const candidate of candidates) {
      const result = await pull(context, candidate)
      // Deleted since the count: the next repository is tried.
      if (result !== 'gone') return result
    }
    return skipped('the images that were known were deleted')
  },
}

const skipped = (detail: string): ProbeResult => ({ id: 'manifest', outcome: 'skipped', detail })

const isEmpty = (known: Iterable<KnownManifest>): boolean => known[Symbol.iterator]().next().done === true

/** Up to three repositories that are not cached, beginning with the one that this round selects. */
function candidatesOf(known: Iterable<KnownManifest>, { round, isCached }: ProbeContext): KnownManifest[] {
  let eligible = 0
  for (const { name } of known) if (!isCached(name)) eligible += 1
  const first = eligible === 0 ? 0 : round % eligible
  const picked: KnownManifest[] = []
  const wrapped: KnownManifest[] = []
  let at = 0
  for (const candidate of known) {
    if (isCached(candidate.name)) continue
    if (at >= first && picked.length < maxTries) picked.push(candidate)
    else if (at < maxTries) wrapped.push(candidate)
    at += 1
  }
  return [...picked, ...wrapped].slice(0, maxTries)
}

async function pull(context: ProbeContext, { name, digest }: KnownManifest): Promise<ProbeResult | 'gone'> {
  const { url, monotonic, authorization } = context
  const started = monotonic()
  const failed = (detail: string): ProbeResult => ({
    id: 'manifest',
    outcome: 'failed',
    tookMs: monotonic() - started,
    detail: `${name}@${short(digest)}: ${detail}`,
  })
  const head = await request(url, `/v2/${name}/manifests/${digest}`, {
    method: 'HEAD',
    accept,
    maxBytes,
    authorization,
  })
  if (head.kind === 'failed') return failed(head.reason)
  if (needsSignIn(head.status)) return skipped(signInMissing(context))
  if (head.status === 404) {
    const now = await context.digestNow(name)
    return now === digest ? failed('it is on disk, but the registry answers 404') : 'gone'
  }
  if (head.status !== 200) return failed(`the registry answers ${head.status}`)
  const answer = await bytesOf(context, name, digest)
  if (answer.kind === 'failed') return failed(answer.reason)
  if (answer.status === 404) return 'gone'
  if (answer.status !== 200) return failed(`the registry answers ${answer.status}`)
  if (digestOf(digest, answer.body) !== digest) return failed('the bytes do not match the digest')
  const tookMs = monotonic() - started
  return { id: 'manifest', outcome: 'passed', tookMs, detail: formatMilliseconds(tookMs) }
}

/** The manifest itself is requested from an engine that stores manifests apart from blobs. */
async function bytesOf(
  { url, authorization }: ProbeContext,
  name: string,
  digest: string,
): Promise<ProbeResponse> {
  const blob = await request(url, `/v2/${name}/blobs/${digest}`, { maxBytes, authorization })
  if (blob.kind === 'failed' || (blob.status !== 404 && blob.status !== 405)) return blob
  return request(url, `/v2/${name}/manifests/${digest}`, { accept, maxBytes, authorization })
}

function digestOf(like: string, bytes: Buffer): string {
  const algorithm = like.startsWith('sha512:') ? 'sha512' : 'sha256'
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}`
}

const short = (digest: string): string => digest.slice(0, digest.indexOf(':') + 13)
