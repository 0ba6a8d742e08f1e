import { isObject, parseJson } from '../../lib/json.ts'
import type { FactStore, ManifestFacts } from '../metadata/manifest-facts.ts'
import { contentOf, platformName, type SizedLink } from '../oci/manifest.ts'
import { parseDigest } from '../oci/reference.ts'
import type { Storage } from '../storage/storage.ts'

export type FactStorage = Pick<Storage, 'manifests' | 'blobs'>

/** Configs are small; what is larger is none. */
const maxConfigBytes = 1024 * 1024
/** Indexes within indexes are followed this far. */
const maxDepth = 3

interface ReadFacts extends ManifestFacts {
  readonly blobs: ReadonlyMap<string, number>
  /** Whether all that it names could be read: only then is it worth remembering. */
  readonly whole: boolean
}

/** Reads what a manifest says, and remembers it. `store` undefined: nothing is remembered. */
export function createFactReader(storage: FactStorage, store: FactStore | undefined) {
  async function read(name: string, digest: string, depth: number): Promise<ReadFacts | undefined> {
    const parsed = parseDigest(digest)
    const found = parsed && (await storage.manifests.get(name, { kind: 'digest', digest: parsed }))
    if (!found?.ok) return undefined
    const { body } = found.value
    const { config, blobs: links, manifests } = contentOf(body)
    const blobs = new Map([[digest, body.length]])
    for (const link of links) blobs.set(link.digest, link.size)
    const platforms: string[] = []
    const said = config && (await platformOf(name, config))
    if (said?.platform !== undefined) platforms.push(said.platform)
    let whole = config === undefined || said !== undefined
    for (const child of manifests) {
      const inner = depth < maxDepth ? await read(name, child.digest, depth + 1) : undefined
      if (!inner?.whole) whole = false
      for (const [blob, size] of inner?.blobs ?? [[child.digest, child.size] as const]) blobs.set(blob, size)
      const platform = child.platform ?? inner?.platforms[0]
      if (platform !== undefined) platforms.push(platform)
    }
    let size = 0
    for (const bytes of blobs.values()) size += bytes
    const children = manifests.map(child => child.digest)
    return { size, platforms, children, blobs, whole }
  }

  /** Undefined where the config cannot be read. */
  async function platformOf(
    name: string,
    { digest, size }: SizedLink,
  ): Promise<{ platform: string | undefined } | undefined> {
    const parsed = parseDigest(digest)
    if (!parsed || size > maxConfigBytes) return { platform: undefined }
    const opened = await storage.blobs.open(name, parsed)
    if (!opened.ok) return undefined
    const blob = opened.value
    try {
      const bytes = Buffer.alloc(Math.min(blob.size, maxConfigBytes))
      let filled = 0
      for (let got = -1; got !== 0 && filled < bytes.length; filled += got)
        got = await blob.read(bytes.subarray(filled), filled)
      const said = parseJson(bytes.subarray(0, filled).toString('utf8'))
      return { platform: isObject(said) ? platformName(said) : undefined }
    } finally {
      await blob.close()
    }
  }

  /** Reads one that is not remembered yet. Undefined where the manifest cannot be read. */
  return async (name: string, digest: string): Promise<ManifestFacts | undefined> => {
    const said = await read(name, digest, 0)
    if (!said) return undefined
    const { size, platforms, children } = said
    if (said.whole) store?.put(digest, { size, platforms, children })
    return { size, platforms, children }
  }
}
