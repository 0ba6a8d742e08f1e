import { type KeyObject, verify } from 'node:crypto'
import { join } from 'node:path'
import * as v from 'valibot'
import type { ManifestFault } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { compareVersions, isVersion } from '../platform/zot-version.ts'

const time = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/),
  v.transform(text => Date.parse(text)),
  v.number(),
  v.check(at => !Number.isNaN(at)),
)
const schema = v.object({
  version: v.pipe(v.string(), v.check(isVersion)),
  assets: v.record(
    v.string(),
    v.object({
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
      bytes: v.pipe(v.number(), v.integer(), v.minValue(1)),
    }),
  ),
  issuedAt: time,
  expiresAt: time,
})

/** A signed manifest; times are ms since the epoch. docs/upgrade.md has its format. */
export type Manifest = v.InferOutput<typeof schema>

/** When the newest manifest that was accepted was issued, by version; ms since the epoch. */
export type Accepted = Readonly<Record<string, number>>

export interface ManifestCheck {
  /** The very bytes that were signed. */
  bytes: Buffer
  /** 64 bytes, or their base64. */
  signature: Buffer
  key: KeyObject
  version: string
  asset: string
  /** Of the program. */
  sha256: string
  size: number
  now: number
  accepted: Accepted
  /** Manifests of versions newer than the one asked for do not count as newer. */
  allowDowngrade: boolean
}

/** Clocks differ by so much, in ms. */
const maxSkewMs = 5 * 60_000

/** Signature first: nothing of a manifest is read before it is known whose it is. Pure. */
export function checkManifest(check: ManifestCheck): { manifest: Manifest } | { fault: ManifestFault } {
  const { bytes, key, now } = check
  if (!verify(null, bytes, key, signatureIn(check.signature))) return { fault: { kind: 'signature' } }
  const read = readManifest(bytes)
  if ('reason' in read) return { fault: { kind: 'not-understood', reason: read.reason } }
  const { manifest } = read
  const { version, issuedAt, expiresAt } = manifest
  if (version !== check.version) return { fault: { kind: 'another-version', version } }
  if (expiresAt <= now) return { fault: { kind: 'expired', at: expiresAt } }
  if (issuedAt > now + maxSkewMs) return { fault: { kind: 'not-yet', at: issuedAt } }
  const newest = newestOf(check)
  if (issuedAt < newest) return { fault: { kind: 'replayed', at: issuedAt, newest } }
  const named = Object.hasOwn(manifest.assets, check.asset) ? manifest.assets[check.asset] : undefined
  if (named === undefined) return { fault: { kind: 'not-named', asset: check.asset } }
  if (named.sha256 !== check.sha256 || named.bytes !== check.size)
    return { fault: { kind: 'differs', asset: check.asset, ...named } }
  return { manifest }
}

function readManifest(bytes: Buffer): { manifest: Manifest } | { reason: string } {
  let json: unknown
  try {
    json = JSON.parse(bytes.toString('utf8'))
  } catch {
    return { reason: 'it is not JSON' }
  }
  const read = v.safeParse(schema, json)
  if (read.success) return { manifest: read.output }
  const [issue] = read.issues
  return { reason: `${v.getDotPath(issue) ?? 'it'} is missing or of another form` }
}

function signatureIn(file: Buffer): Buffer {
  if (file.length === 64) return file
  const decoded = Buffer.from(file.toString('latin1').trim(), 'base64')
  // Anything else is no signature of Ed25519, and verify() answers so.
  return decoded
}

/** Of the versions of the same line ("v2.1"), when the newest manifest that was accepted was issued. */
function newestOf({ version, accepted, allowDowngrade }: ManifestCheck): number {
  const line = lineOf(version)
  const counted = Object.entries(accepted).filter(
    ([candidate]) =>
      lineOf(candidate) === line && !(allowDowngrade && compareVersions(candidate, version) > 0),
  )
  return Math.max(0, ...counted.map(([, issuedAt]) => issuedAt))
}

const lineOf = (version: string): string => version.slice(0, version.lastIndexOf('.'))

const acceptedSchema = v.record(v.string(), v.number())

/** `manifests.json`: what keeps an old manifest from being taken again. Without it nothing signed is trusted. */
export function acceptedManifests(home: string, aside: { now(): number; report(setAside: SetAside): void }) {
  const file = join(home, 'manifests.json')
  async function read(): Promise<Result<Record<string, number>>> {
    try {
      return ok((await readJsonFile(file, acceptedSchema, aside)) ?? {})
    } catch (error) {
      return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
    }
  }
  return {
    read,
    async add({ version, issuedAt }: Manifest): Promise<Result<null>> {
      const known = await read()
      if (!known.ok) return known
      if ((known.value[version] ?? 0) >= issuedAt) return ok(null)
      try {
        await writeJsonFile(file, { ...known.value, [version]: issuedAt })
        return ok(null)
      } catch (error) {
        return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
      }
    },
  }
}
