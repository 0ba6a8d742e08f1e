import * as v from 'valibot'
import { isVersion } from '../platform/zot-version.ts'
import { type Asset, assetName, type Release } from './release.ts'

/** A release as it is stored: with the files for every machine, so that the same list serves when the machine changes. */
export interface StoredRelease
  extends Pick<Release, 'version' | 'publishedAt' | 'notes' | 'draft' | 'prerelease'> {
  assets: Asset[]
}

const maxNotesChars = 20_000
const checksumsName = 'checksums.sha256.txt'
const manifestName = 'zot-manifest.json'
const signatureName = `${manifestName}.sig`
const wanted = /^zot-(linux|darwin)-(amd64|arm64)$/

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/))
const webUrl = v.pipe(v.string(), v.maxLength(4000), v.regex(/^https?:\/\/[^\s]+$/))
const assetSchema = v.object({
  name: v.pipe(v.string(), v.maxLength(200)),
  size: v.pipe(v.number(), v.integer(), v.minValue(0)),
  browser_download_url: webUrl,
  digest: v.nullish(v.string()),
})
/** https://docs.github.com/en/rest/releases/releases#list-releases */
const releaseSchema = v.object({
  tag_name: v.string(),
  published_at: v.nullish(v.string()),
  created_at: v.nullish(v.string()),
  body: v.nullish(v.string()),
  draft: v.optional(v.boolean(), false),
  prerelease: v.optional(v.boolean(), false),
  assets: v.optional(v.array(v.unknown()), []),
})

/** One release of GitHub's answer; undefined for what is none, or has no version of the form vX.Y.Z. */
export function parseRelease(raw: unknown): StoredRelease | undefined {
  const read = v.safeParse(releaseSchema, raw)
  if (!read.success || !isVersion(read.output.tag_name)) return undefined
  const { tag_name, published_at, created_at, body, draft, prerelease, assets } = read.output
  const publishedAt = Date.parse(published_at ?? created_at ?? '')
  return {
    version: tag_name,
    publishedAt: Number.isNaN(publishedAt) ? 0 : publishedAt,
    notes: (body ?? '').slice(0, maxNotesChars),
    draft,
    prerelease,
    assets: assets.flatMap(parseAsset),
  }
}

function parseAsset(raw: unknown): Asset[] {
  const read = v.safeParse(assetSchema, raw)
  if (!read.success) return []
  const { name, size, browser_download_url: url, digest: listedDigest } = read.output
  if (!wanted.test(name) && ![checksumsName, manifestName, signatureName].includes(name)) return []
  return [{ name, bytes: size, url, ...(v.is(digest, listedDigest) ? { digest: listedDigest } : {}) }]
}

/** The release as this machine sees it. */
export function releaseFor(machine: { platform: string; arch: string }, stored: StoredRelease): Release {
  const { assets, ...about } = stored
  const named = (name: string | undefined) => assets.find(asset => asset.name === name)
  const asset = named(assetName(machine))
  const checksums = named(checksumsName)
  const [manifest, signature] = [named(manifestName), named(signatureName)]
  return {
    ...about,
    ...(asset === undefined ? {} : { asset }),
    ...(checksums === undefined ? {} : { checksums }),
    ...(manifest === undefined || signature === undefined ? {} : { manifest, signature }),
  }
}

/** The address of the next page, from a Link header (RFC 8288). */
export function parseNextPage(link: string | undefined): string | undefined {
  for (const [, url, rest] of (link ?? '').matchAll(/<([^>]*)>([^,]*)/g))
    if (/;\s*rel="?next"?/.test(rest ?? '')) return url
  return undefined
}

const storedAsset = v.object({
  name: v.string(),
  bytes: v.number(),
  url: webUrl,
  digest: v.exactOptional(digest),
})
const stored = v.object({
  version: v.pipe(v.string(), v.check(isVersion)),
  publishedAt: v.number(),
  notes: v.string(),
  draft: v.boolean(),
  prerelease: v.boolean(),
  assets: v.array(storedAsset),
})
const page = v.object({
  url: v.string(),
  etag: v.exactOptional(v.string()),
  next: v.exactOptional(v.string()),
  releases: v.array(stored),
})

/** The content of `cache/releases.json`. Times are ms since the epoch. */
export const cacheSchema = v.object({
  base: v.string(),
  repository: v.string(),
  /** When the list was last asked for, whatever came of it. */
  triedAt: v.number(),
  limitedUntil: v.exactOptional(v.number()),
  /** When `pages` were last known to be so. */
  asOf: v.exactOptional(v.number()),
  pages: v.array(page),
})
export type Cache = v.InferOutput<typeof cacheSchema>
export type Page = Cache['pages'][number]
