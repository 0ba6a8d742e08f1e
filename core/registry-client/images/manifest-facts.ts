import { LRUCache } from 'lru-cache'
import * as v from 'valibot'
import { parseJson } from '../../../lib/json.ts'
import type { RegistryHttp } from '../../platform/registry-http.ts'

/** What a manifest says about an image. Bytes; `blobs` are all it stands on, itself included, each once. */
interface Facts {
  mediaType: string
  platforms: { platform: string; digest: string; size: number }[]
  layers: { digest: string; size: number }[]
  blobs: ReadonlyMap<string, number>
}

export interface FactReader {
  /** Undefined when the manifest is not there or cannot be read. */
  read(repository: string, digest: string): Promise<Facts | undefined>
}

const descriptor = v.object({
  mediaType: v.optional(v.string(), ''),
  digest: v.string(),
  size: v.pipe(v.number(), v.minValue(0)),
})
const platform = v.object({
  os: v.optional(v.string(), ''),
  architecture: v.optional(v.string(), ''),
  variant: v.optional(v.string(), ''),
})
const imageManifest = v.object({
  mediaType: v.optional(v.string(), 'application/vnd.oci.image.manifest.v1+json'),
  config: descriptor,
  layers: v.optional(v.array(descriptor), []),
})
const imageIndex = v.object({
  mediaType: v.optional(v.string(), 'application/vnd.oci.image.index.v1+json'),
  manifests: v.array(v.object({ ...descriptor.entries, platform: v.optional(platform) })),
})

const manifestTypes = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.artifact.manifest.v1+json',
]
export const acceptManifests = manifestTypes.join(', ')

/** Configs of images; others belong to signatures, charts and the like, which run nowhere. */
const imageConfig = /^application\/vnd\.(oci\.image\.config\.v1|docker\.container\.image\.v1)\+json$/
const maxConfigBytes = 1024 * 1024
/** Indexes within indexes are followed this far. */
const maxDepth = 3

/** Reads manifests and keeps what they say: a digest never says anything else. */
export function factReader(registry: RegistryHttp): FactReader {
  const cache = new LRUCache<string, Facts>({ max: 5_000 })

  async function read(repository: string, digest: string, depth = 0): Promise<Facts | undefined> {
    const known = cache.get(digest)
    if (known) return known
    const bytes = await manifestBytes(repository, digest)
    if (!bytes) return undefined
    const parsed = parseJson(bytes)
    const image = v.safeParse(imageManifest, parsed)
    const facts = image.success
      ? await ofImage(repository, digest, bytes.length, image.output)
      : await ofIndex(repository, digest, bytes.length, parsed, depth)
    if (facts) cache.set(digest, facts)
    return facts
  }

  /** As the blob that it is: zot counts every GET of a manifest as a pull, which its retention rules look at. */
  async function manifestBytes(repository: string, digest: string): Promise<Buffer | undefined> {
    const blob = await registry.ask(`/v2/${repository}/blobs/${digest}`)
    if (!blob.ok) return undefined
    if (blob.value.status === 200) return blob.value.body
    if (blob.value.status !== 404 && blob.value.status !== 405) return undefined
    const manifest = await registry.ask(`/v2/${repository}/manifests/${digest}`, { accept: acceptManifests })
    return manifest.ok && manifest.value.status === 200 ? manifest.value.body : undefined
  }

  async function ofImage(
    repository: string,
    digest: string,
    length: number,
    { mediaType, config, layers }: v.InferOutput<typeof imageManifest>,
  ): Promise<Facts> {
    const blobs = new Map([
      [digest, length],
      [config.digest, config.size],
    ])
    for (const layer of layers) blobs.set(layer.digest, layer.size)
    const name = await platformOf(repository, config)
    return {
      mediaType,
      platforms: name === undefined ? [] : [{ platform: name, digest, size: sum(blobs) }],
      layers: layers.map(layer => ({ digest: layer.digest, size: layer.size })),
      blobs,
    }
  }

  async function platformOf(
    repository: string,
    config: v.InferOutput<typeof descriptor>,
  ): Promise<string | undefined> {
    if (!imageConfig.test(config.mediaType) || config.size > maxConfigBytes) return undefined
    const answer = await registry.ask(`/v2/${repository}/blobs/${config.digest}`, {
      maxBytes: maxConfigBytes,
    })
    if (!answer.ok || answer.value.status !== 200) return undefined
    const parsed = v.safeParse(platform, parseJson(answer.value.body))
    return parsed.success ? platformName(parsed.output) : undefined
  }

  async function ofIndex(
    repository: string,
    digest: string,
    length: number,
    parsed: unknown,
    depth: number,
  ): Promise<Facts | undefined> {
    const index = v.safeParse(imageIndex, parsed)
    if (!index.success) return undefined
    const blobs = new Map([[digest, length]])
    const platforms: Facts['platforms'] = []
    for (const child of index.output.manifests) {
      const facts = depth < maxDepth ? await read(repository, child.digest, depth + 1) : undefined
      for (const [blob, size] of facts?.blobs ?? [[child.digest, child.size] as const]) blobs.set(blob, size)
      const name = child.platform ? platformName(child.platform) : facts?.platforms[0]?.platform
      if (name !== undefined) {
        const size = facts ? sum(facts.blobs) : child.size
        platforms.push({ platform: name, digest: child.digest, size })
      }
    }
    return { mediaType: index.output.mediaType, platforms, layers: [], blobs }
  }

  return { read: (repository, digest) => read(repository, digest) }
}

/** "linux/arm/v7"; undefined for what is attached to an image and runs nowhere ("unknown/unknown"). */
function platformName({ os, architecture, variant }: v.InferOutput<typeof platform>): string | undefined {
  if (os === '' || architecture === '' || os === 'unknown' || architecture === 'unknown') return undefined
  return [os, architecture, variant].filter(part => part !== '').join('/')
}

export function sum(blobs: ReadonlyMap<string, number>): number {
  let total = 0
  for (const size of blobs.values()) total += size
  return total
}
