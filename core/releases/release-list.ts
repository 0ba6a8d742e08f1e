import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'
import { isSteppingDown, readBytes, type Web } from '../platform/web.ts'
import { withoutSecrets } from '../platform/web-failure.ts'
import { compareVersions, isVersion } from '../platform/zot-version.ts'
import {
  type Cache,
  cacheSchema,
  type Page,
  parseNextPage,
  parseRelease,
  releaseFor,
  type StoredRelease,
} from './github.ts'
import type { Listed, Release } from './release.ts'

export interface ListOptions {
  home: string
  web: Web
  machine: { platform: string; arch: string }
  source(): { base: string; repository: string }
  now(): number
  report(setAside: SetAside): void
}

export interface ReleaseList {
  list(signal?: AbortSignal): Promise<Result<Listed>>
  cached(): Promise<Listed | undefined>
  find(version: string, signal?: AbortSignal): Promise<Result<Release>>
  triedAt(): Promise<number | undefined>
  limitedUntil(): Promise<number | undefined>
}

const maxPages = 10
const maxBytes = 10_000_000

/** The list of releases: asked for page by page, each with the ETag that was stored with it. */
export function releaseList({ home, web, machine, source, now, report }: ListOptions): ReleaseList {
  const file = join(home, 'cache', 'releases.json')
  let known: Cache | undefined
  let underWay: Promise<Result<Listed>> | undefined

  async function read(): Promise<Cache | undefined> {
    known ??= await readJsonFile(file, cacheSchema, { now, report }).catch(() => undefined)
    const { base, repository } = source()
    return known?.base === base && known.repository === repository ? known : undefined
  }

  async function write(cache: Cache): Promise<void> {
    known = cache
    // It is a cache: a volume that is full or read-only costs the next start a request.
    await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch(() => {})
    await writeJsonFile(file, cache).catch(() => {})
  }

  const about = (cache: Cache, from: Listed['from'], trouble?: Failure): Listed => ({
    releases: newestFirst(cache.pages.flatMap(page => page.releases)).map(release =>
      releaseFor(machine, release),
    ),
    asOf: cache.asOf ?? 0,
    from,
    ...(trouble === undefined ? {} : { trouble }),
  })

  async function getPages(before: Cache | undefined, signal?: AbortSignal): Promise<Result<Page[]>> {
    const { base, repository } = source()
    const pages: Page[] = []
    let url: string | undefined = `${base}/repos/${repository}/releases?per_page=100`
    while (url !== undefined && pages.length < maxPages) {
      const stored = before?.pages.find(page => page.url === url)
      const got = await getPage(web, url, stored, signal)
      if (!got.ok) return got
      pages.push(got.value)
      const { next } = got.value
      if (next !== undefined && isSteppingDown(base, next)) {
        const [shown, to] = [withoutSecrets(url), withoutSecrets(next)]
        return fail({ code: 'web-redirect-refused', url: shown, to, why: 'unsafe' })
      }
      url = next
    }
    return ok(pages)
  }

  async function ask(signal?: AbortSignal): Promise<Result<Listed>> {
    const before = await read()
    const { base, repository } = source()
    const answer = (trouble: Failure): Result<Listed> =>
      before?.asOf === undefined || trouble.code === 'cancelled'
        ? fail(trouble)
        : ok(about(before, 'cache', trouble))
    if (before?.limitedUntil !== undefined && before.limitedUntil > now())
      return answer({ code: 'web-limited', url: base, until: before.limitedUntil })
    const got = await getPages(before, signal)
    const at = now()
    if (!got.ok) {
      const { limitedUntil: _, ...unlimited } = before ?? { base, repository, triedAt: at, pages: [] }
      const limited = got.error.code === 'web-limited' ? { limitedUntil: got.error.until } : {}
      if (got.error.code !== 'cancelled') await write({ ...unlimited, triedAt: at, ...limited })
      return answer(got.error)
    }
    const cache: Cache = { base, repository, triedAt: at, asOf: at, pages: got.value }
    await write(cache)
    return ok(about(cache, 'network'))
  }

  async function list(signal?: AbortSignal): Promise<Result<Listed>> {
    const joined = await underWay
    // Who asked first may have taken it back, and that is not for who joined.
    if (joined !== undefined && (joined.ok || joined.error.code !== 'cancelled')) return joined
    underWay ??= ask(signal).finally(() => {
      underWay = undefined
    })
    return underWay
  }

  return {
    list,
    async cached() {
      const cache = await read()
      return cache?.asOf === undefined ? undefined : about(cache, 'cache')
    },
    async find(version, signal) {
      if (!isVersion(version))
        return fail({ code: 'release-not-found', version, url: withoutSecrets(source().base) })
      const listed = await list(signal)
      if (!listed.ok) return listed
      const listedRelease = listed.value.releases.find(release => release.version === version)
      if (listedRelease) return ok(listedRelease)
      if (listed.value.trouble) return fail(listed.value.trouble)
      const { base, repository } = source()
      const url = `${base}/repos/${repository}/releases/tags/${version}`
      const got = await getJson(web, url, {}, signal)
      if (!got.ok)
        return got.error.code === 'web-refused' && got.error.status === 404
          ? fail({ code: 'release-not-found', version, url: withoutSecrets(url) })
          : got
      const release = parseRelease(got.value.json)
      return release?.version === version
        ? ok(releaseFor(machine, release))
        : fail(notUnderstood(url, `it is not the release ${version}`))
    },
    triedAt: async () => (await read())?.triedAt,
    limitedUntil: async () => (await read())?.limitedUntil,
  }
}

const newestFirst = (all: StoredRelease[]): StoredRelease[] => {
  const byVersion = new Map(all.map(release => [release.version, release]))
  return [...byVersion.values()].sort((a, b) => compareVersions(b.version, a.version))
}

const notUnderstood = (url: string, reason: string): Failure => ({
  code: 'web-not-understood',
  url: withoutSecrets(url),
  reason,
})

async function getPage(
  web: Web,
  url: string,
  stored: Page | undefined,
  signal?: AbortSignal,
): Promise<Result<Page>> {
  const known: Record<string, string> = stored?.etag === undefined ? {} : { 'if-none-match': stored.etag }
  const got = await getJson(web, url, known, signal)
  if (!got.ok) return got
  const { json, headers } = got.value
  if (json === unchanged && stored !== undefined) return ok(stored)
  if (!Array.isArray(json)) return fail(notUnderstood(url, 'it is not a list of releases'))
  const releases = json.flatMap(raw => parseRelease(raw) ?? [])
  const next = parseNextPage(headers['link'])
  const { etag } = headers
  return ok({
    url,
    ...(etag === undefined ? {} : { etag }),
    ...(next === undefined ? {} : { next }),
    releases,
  })
}

const unchanged = Symbol('304')

async function getJson(
  web: Web,
  url: string,
  more: Record<string, string>,
  signal?: AbortSignal,
): Promise<Result<{ json: unknown; headers: Record<string, string> }>> {
  const headers = { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28', ...more }
  const answer = await web.get(url, { headers, ...(signal === undefined ? {} : { signal }) })
  if (!answer.ok) return answer
  const { status, body } = answer.value
  if (status === 304 && 'if-none-match' in more) {
    body.destroy()
    return ok({ json: unchanged, headers: answer.value.headers })
  }
  if (status !== 200) {
    body.destroy()
    return fail({ code: 'web-refused', url: withoutSecrets(url), status })
  }
  const text = await readBytes(web, answer.value, maxBytes, signal)
  if (!text.ok) return text
  try {
    return ok({ json: JSON.parse(text.value.toString('utf8')), headers: answer.value.headers })
  } catch {
    return fail(notUnderstood(url, 'it is not JSON'))
  }
}
