import type { Failure, ManifestFault } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { bytes, exactMoment } from '../../contract/messages/format.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import { checkBinary } from '../platform/binary.ts'
import { ed25519Key } from '../platform/ed25519.ts'
import { type Accepted, checkManifest, type Manifest } from './manifest.ts'
import type { Asset, Obtained, Release, Trust } from './release.ts'
import { verifyUnchanged } from './unchanged-file.ts'

export interface TrustOptions {
  got: Obtained
  /** Of which `got` is the asset; absent for the other origins. */
  release: Release | undefined
  machine: { platform: NodeJS.Platform; arch: string }
  /** The pinned key as the settings have it; empty means none. */
  publicKey: string
  /** Small files of the release. */
  fetch(asset: Asset, maxBytes: number): Promise<Result<Buffer>>
  accepted: Accepted
  allowDowngrade: boolean
  now: number
  onPart(part: RunbookPart): void
}

export interface Trusted extends Trust {
  /** The manifest that was accepted, to be remembered. */
  manifest?: Manifest
}

type Row = { state: 'passed' | 'skipped' | 'unproven'; words: string } | { state: 'failed'; error: Failure }

/** Titles of the rows, in the order in which they are verified. */
const titles = {
  size: 'Size',
  digest: 'Digest in the list of assets',
  checksums: 'Digest in checksums.sha256.txt',
  type: 'File type and architecture',
  signature: 'Signed manifest',
} as const
type Id = keyof typeof titles
const ids: readonly Id[] = ['size', 'digest', 'checksums', 'type', 'signature']

/** Verifies a program row by row, and stops at the first that fails. Nothing of it is run. */
export async function verifyProgram(options: TrustOptions): Promise<Result<Trusted>> {
  const { got, release, onPart } = options
  const checks = new Map<Id, RunbookPart>()
  const report = (id: Id, state: RunbookPart['state'], words?: string): void => {
    const part = { id, title: titles[id], state, ...(words === undefined ? {} : { words }) }
    checks.set(id, part)
    onPart(part)
  }
  for (const id of ids) report(id, 'pending')

  const asset = release?.asset
  let manifest: Manifest | undefined
  const verifiers: Record<Id, () => Promise<Row>> = {
    size: () => verifySize(got, asset),
    digest: async () => verifyListedDigest(got, asset),
    checksums: () => verifyChecksums(options, asset),
    type: () => verifyType(options),
    async signature() {
      const verified = await verifyManifest(options, asset)
      if ('manifest' in verified) manifest = verified.manifest
      return verified.row
    },
  }
  for (const [index, id] of ids.entries()) {
    report(id, 'working')
    const row = await verifiers[id]()
    if (row.state !== 'failed') {
      report(id, row.state, row.words)
      continue
    }
    const { title, steps } = failureMessage(row.error)
    report(id, 'failed', [title, ...steps.slice(0, -1)].join('. ').replaceAll('..', '.'))
    for (const rest of ids.slice(index + 1)) report(rest, 'skipped', 'Not looked at any more.')
    return fail(row.error)
  }
  const published = ['digest', 'checksums'].some(id => checks.get(id as Id)?.state === 'passed')
  return ok({
    parts: [...checks.values()],
    sha256: got.sha256,
    origin: published ? (manifest === undefined ? 'published' : 'signed') : 'unproven',
    ...(manifest === undefined ? {} : { manifest }),
  })
}

async function verifySize(
  { file, from, bytes: size, sha256 }: Obtained,
  asset: Asset | undefined,
): Promise<Row> {
  const same = await verifyUnchanged(file, sha256)
  if (!same.ok) return { state: 'failed', error: same.error }
  if (asset !== undefined && size !== asset.bytes)
    return { state: 'failed', error: { code: 'size-differs', path: from, bytes: size, listed: asset.bytes } }
  const exact = `${bytes(size)} (${size.toLocaleString('en-GB')} bytes)`
  return { state: 'passed', words: asset === undefined ? exact : `${exact}, as the list of assets says` }
}

const listSource = 'the list of assets'
const checksumsSource = 'checksums.sha256.txt'

function claimedDigests(got: Obtained, asset: Asset | undefined): { source: string; sha256?: string }[] {
  const listed = digestIn(asset)
  return [
    { source: 'the file that came', sha256: got.sha256 },
    ...(listed === undefined ? [] : [{ source: listSource, sha256: listed }]),
  ]
}

const digestIn = (asset: Asset | undefined): string | undefined => asset?.digest?.slice('sha256:'.length)

function verifyListedDigest(got: Obtained, asset: Asset | undefined): Row {
  if (asset === undefined)
    return {
      state: 'unproven',
      words: `Nobody published one. SHA-256 ${got.sha256}; you vouch for where it comes from.`,
    }
  const listed = digestIn(asset)
  if (listed === undefined) return { state: 'unproven', words: 'The list has none for this file.' }
  if (listed !== got.sha256)
    return {
      state: 'failed',
      error: { code: 'digest-differs', name: asset.name, claims: claimedDigests(got, asset) },
    }
  return { state: 'passed', words: `SHA-256 ${listed}` }
}

const maxChecksumsBytes = 1_000_000

async function verifyChecksums(
  { got, release, fetch }: TrustOptions,
  asset: Asset | undefined,
): Promise<Row> {
  if (asset === undefined) return { state: 'unproven', words: 'A file of your own has no published digest.' }
  if (release?.checksums === undefined)
    return { state: 'unproven', words: `The release has no ${checksumsSource}.` }
  const text = await fetch(release.checksums, maxChecksumsBytes)
  if (!text.ok) return { state: 'failed', error: text.error }
  const published = parseChecksum(text.value.toString('utf8'), asset.name)
  if (published === got.sha256) return { state: 'passed', words: 'The same.' }
  const claim = { source: checksumsSource, ...(published === undefined ? {} : { sha256: published }) }
  return {
    state: 'failed',
    error: { code: 'digest-differs', name: asset.name, claims: [...claimedDigests(got, asset), claim] },
  }
}

async function verifyType({ got, machine }: TrustOptions): Promise<Row> {
  const checked = await checkBinary(got.file, machine)
  return checked.ok
    ? { state: 'passed', words: `${machine.platform === 'darwin' ? 'Mach-O' : 'ELF'}, ${machine.arch}` }
    : { state: 'failed', error: { code: 'not-a-program', path: got.from, reason: checked.reason } }
}

const maxManifestBytes = 1_000_000
const maxSignatureBytes = 1000

async function verifyManifest(
  options: TrustOptions,
  asset: Asset | undefined,
): Promise<{ row: Row } | { row: Row; manifest: Manifest }> {
  const { publicKey, release, got, fetch, accepted, allowDowngrade, now } = options
  const skipped = (words: string) => ({ row: { state: 'skipped', words } as const })
  if (publicKey === '') return skipped('No key is pinned in releases.publicKey.')
  if (release === undefined || asset === undefined)
    return skipped('A file of your own has none; your consent stands in for it.')
  const refuse = (fault: ManifestFault): { row: Row } => ({
    row: { state: 'failed', error: { code: 'manifest-refused', version: release.version, fault } },
  })
  const key = ed25519Key(publicKey)
  if (key === undefined) return refuse({ kind: 'key-unusable' })
  if (release.manifest === undefined || release.signature === undefined) return refuse({ kind: 'missing' })
  const bytesOf = await fetch(release.manifest, maxManifestBytes)
  if (!bytesOf.ok) return { row: { state: 'failed', error: bytesOf.error } }
  const signature = await fetch(release.signature, maxSignatureBytes)
  if (!signature.ok) return { row: { state: 'failed', error: signature.error } }
  const checked = checkManifest({
    bytes: bytesOf.value,
    signature: signature.value,
    key,
    version: release.version,
    asset: asset.name,
    sha256: got.sha256,
    size: got.bytes,
    now,
    accepted,
    allowDowngrade,
  })
  if ('fault' in checked) return refuse(checked.fault)
  const { manifest } = checked
  const message = `Signed with the pinned key, issued ${exactMoment(manifest.issuedAt)}, good until ${exactMoment(manifest.expiresAt)}.`
  return { row: { state: 'passed', words: message }, manifest }
}

/** What `checksums.sha256.txt` says of a file: 64 hex digits; undefined where it does not name it. sha256sum(1). */
export function parseChecksum(text: string, name: string): string | undefined {
  for (const line of text.split('\n')) {
    const match = /^([0-9a-fA-F]{64})\s+\*?(\S+)\s*$/.exec(line)
    if (match?.[2] === name || match?.[2] === `./${name}`) return match[1]?.toLowerCase()
  }
  return undefined
}
