import type { Logger } from '../log/logger.ts'
import type { Digest } from '../oci/reference.ts'
import { errnoOf } from '../storage/errno.ts'
import type { StoreMaintenance, SurveyedManifest } from '../storage/maintenance.ts'

/** One image, or one blob that no image names (without a tag), and how it is. */
export interface ScrubRow {
  readonly repository: string
  readonly tag: string
  readonly status: 'ok' | 'affected'
  /** The digest that is wrong. */
  readonly blob: string
  readonly error: string
}

export interface ScrubDeps {
  readonly maintenance: StoreMaintenance
  readonly logger: Pick<Logger, 'log'>
  readonly pause: () => Promise<void>
  readonly signal: AbortSignal
  /** Verdicts on files with several names, for one round. */
  readonly known: Map<string, boolean>
}

export interface ScrubTotals {
  blobs: number
  corrupt: number
  unreadable: number
}

const badDigest = 'bad blob digest'
const notFound = 'blob not found'

/**
 * Reads every blob of a repository. One that is not what its name says is moved out of the way at once, so
 * that nobody is given it; the log says where to. Answers how the images are.
 */
export async function scrubRepository(
  deps: ScrubDeps,
  name: string,
  totals: ScrubTotals,
): Promise<ScrubRow[]> {
  const { maintenance, pause, signal } = deps
  const bad = new Map<string, string>()
  const there = new Set<string>()
  try {
    for await (const digest of maintenance.blobs(name)) {
      if (signal.aborted) return []
      totals.blobs++
      const problem = await scrubBlob(deps, name, digest, totals)
      if (problem === undefined) there.add(digest.text)
      else bad.set(digest.text, problem)
      await pause()
    }
  } catch (error) {
    const errno = errnoOf(error)
    if (errno === undefined) throw error
    // The other repositories can be read all the same.
    totals.unreadable++
    return [loose(name, '', `cannot be read: ${errno}`)]
  }
  const surveyed = await maintenance.survey(name, pause)
  if (!surveyed.ok) {
    if (surveyed.error.name === 'name-unknown')
      return [...bad].map(([blob, error]) => loose(name, blob, error))
    return [
      loose(name, '', 'index.json cannot be read'),
      ...[...bad].map(([blob, error]) => loose(name, blob, error)),
    ]
  }
  const rows: ScrubRow[] = []
  const reported = new Set<string>()
  const byDigest = new Map(surveyed.value.map(manifest => [manifest.digest, manifest]))
  for (const manifest of surveyed.value) {
    const wrong = await firstWrong(deps, name, manifest, byDigest, bad, there)
    if (wrong) reported.add(wrong.blob)
    const tags = manifest.tags.length > 0 ? manifest.tags : ['']
    for (const tag of tags)
      rows.push({
        repository: name,
        tag,
        status: wrong ? 'affected' : 'ok',
        blob: wrong?.blob ?? '',
        error: wrong?.error ?? '',
      })
  }
  for (const [blob, error] of bad) if (!reported.has(blob)) rows.push(loose(name, blob, error))
  return rows
}

const loose = (repository: string, blob: string, error: string): ScrubRow => ({
  repository,
  tag: '',
  status: 'affected',
  blob,
  error,
})

/** What is wrong with a blob; undefined: nothing. */
async function scrubBlob(
  { maintenance, logger, pause, signal, known }: ScrubDeps,
  repository: string,
  digest: Digest,
  totals: ScrubTotals,
): Promise<string | undefined> {
  const health = await maintenance.check(repository, digest, { pause, signal, known })
  const fields = { module: 'scrub', repository, blob: digest.text }
  switch (health.kind) {
    case 'sound':
    case 'aborted':
    case 'missing':
      return undefined
    case 'unreadable':
      totals.unreadable++
      logger.log('error', 'a blob cannot be read', { ...fields, error: health.reason })
      return `cannot be read: ${health.reason}`
    case 'corrupt': {
      totals.corrupt++
      const moved = await maintenance.quarantine(repository, digest, health.inode)
      if (!moved.ok) {
        logger.log('error', 'a blob is damaged, and could not be put into quarantine', {
          ...fields,
          error: moved.error.name,
        })
      } else if (moved.value === undefined) {
        logger.log('error', 'a blob is damaged, and in use: it is looked at again next time', fields)
      } else {
        logger.log('error', 'a damaged blob was put into quarantine', {
          ...fields,
          error: badDigest,
          path: moved.value,
        })
      }
      return badDigest
    }
  }
}

/** The first of what an image needs that is damaged or missing. */
async function firstWrong(
  { maintenance }: ScrubDeps,
  name: string,
  root: SurveyedManifest,
  byDigest: ReadonlyMap<string, SurveyedManifest>,
  bad: ReadonlyMap<string, string>,
  there: Set<string>,
): Promise<{ blob: string; error: string } | undefined> {
  const visited = new Set<string>()
  const queue = [root]
  for (let at = queue.pop(); at !== undefined; at = queue.pop()) {
    if (visited.has(at.digest)) continue
    visited.add(at.digest)
    const { digest, links, required } = at
    const damaged = [digest, ...links].find(digest => bad.has(digest))
    if (damaged !== undefined) return { blob: damaged, error: bad.get(damaged) ?? badDigest }
    for (const needed of [digest, ...required]) {
      // What came after the look at the folder is there all the same.
      if (there.has(needed) || (await maintenance.has(name, needed))) there.add(needed)
      else return { blob: needed, error: notFound }
    }
    for (const link of links) {
      const child = byDigest.get(link)
      if (child) queue.push(child)
    }
  }
  return undefined
}

/**
 * Scrubs a repository and says so in zot's messages, levels and fields, as people have alerts on them. Answers how
 * many images, and blobs without one, are affected. Source: zot, pkg/extensions/scrub/scrub.go.
 * @param folder where the repository lies
 */
export async function scrubAndReport(
  deps: ScrubDeps,
  name: string,
  folder: string,
  totals: ScrubTotals,
): Promise<number> {
  const { logger, signal } = deps
  logger.log('info', `executing scrub to check manifest/blob integrity for ${folder}`, { module: 'scrub' })
  const rows = await scrubRepository(deps, name, totals)
  if (signal.aborted) return 0
  let affected = 0
  let isUnreadable = false
  for (const { repository, tag, status, blob, error } of rows) {
    const image = { module: 'scrub', component: 'scrub', image: repository, tag, status }
    if (status === 'ok') {
      logger.log('info', 'blobs/manifest ok', image)
      continue
    }
    affected++
    if (blob === '') {
      isUnreadable = true
      logger.log('error', `failed to run scrub for ${folder}`, { module: 'scrub', repository, error })
      continue
    }
    const hex = blob.slice(blob.indexOf(':') + 1)
    logger.log('warn', 'blobs/manifest affected', { ...image, 'affected blob': hex, error })
  }
  const outcome = isUnreadable ? 'unsuccessfully' : 'successfully'
  logger.log('info', `scrub ${outcome} completed for ${folder}`, { module: 'scrub' })
  return affected
}

const headings = ['REPOSITORY', 'TAG', 'STATUS', 'AFFECTED BLOB', 'ERROR'] as const

/** The rows as a table with zot's columns. */
export function printScrubTable(rows: readonly ScrubRow[]): string {
  const cells = rows.map(row => [row.repository, row.tag, row.status, row.blob, row.error])
  const widths = headings.map((heading, at) =>
    cells.reduce((widest, row) => Math.max(widest, row[at]?.length ?? 0), heading.length),
  )
  return [headings, ...cells]
    .map(row =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
