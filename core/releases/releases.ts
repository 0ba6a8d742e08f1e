import { join } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SetAside } from '../platform/json-file.ts'
import { createWeb, isSteppingDown, readBytes, type Web, type WebWith } from '../platform/web.ts'
import { withoutSecrets } from '../platform/web-failure.ts'
import { copyProgram } from './copy-file.ts'
import { fetchFile, type Timing } from './fetch-file.ts'
import { acceptedManifests } from './manifest.ts'
import { askVersion, type InspectProgram } from './program-version.ts'
import {
  type Asset,
  assetName,
  type Listed,
  type Obtained,
  type ObtainOptions,
  type Release,
  type Trust,
} from './release.ts'
import { releaseList } from './release-list.ts'
import { verifyProgram } from './trust.ts'

interface VerifyOptions {
  signal: AbortSignal
  /** Each row as it changes: first all of them `pending`, then `working`, then what came of it. */
  onPart?(part: RunbookPart): void
}

interface StagedOptions extends VerifyOptions {
  /** Where the program was taken from, for messages. */
  from: string
}

/** Where versions of zot come from, and whether to trust them. Nothing here is executed before `verifyStaged`. */
export interface Releases {
  /**
   * Asks for the list; `cached` answers with what is on disk, without the network. While the rate limit lasts the
   * network is not asked. Errors (only when nothing is cached): web-unreachable, web-limited, web-refused,
   * web-not-understood, web-redirect-refused, web-too-large, bad-url; and cancelled.
   */
  list(options?: { signal?: AbortSignal }): Promise<Result<Listed>>
  cached(): Promise<Listed | undefined>
  /** One version, from the list or asked for by its tag. Errors: those of `list`, and release-not-found. */
  find(version: string, options?: { signal?: AbortSignal }): Promise<Result<Release>>
  /** Whether the daily check of the list is due; never right after a start. */
  due(now: number): Promise<boolean>
  /**
   * The program of a release, or of an address. Goes on where an earlier one broke off; a file that is there already
   * with the digest of the list is taken as it is. Errors: those of `list`, release-not-built-for, download-broken,
   * no-space, file-unusable.
   */
  download(release: Release | string, request: ObtainOptions): Promise<Result<Obtained>>
  /** A copy of a local file; the original is not touched. Errors: file-unusable, too-large, no-space, cancelled. */
  fromFile(path: string, request: ObtainOptions): Promise<Result<Obtained>>
  /**
   * Everything that can be known before it runs: size, digests, file type, architecture, signed manifest. `release` for
   * what came from one. Errors: not-a-program, digest-differs, size-differs, manifest-refused, file-changed, and those
   * of `download` for the checksums and the manifest.
   */
  verify(
    got: Obtained,
    release: Release | undefined,
    verifying: VerifyOptions & { allowDowngrade?: boolean },
  ): Promise<Result<Trust>>
  /**
   * The staged file (made executable by the caller, no longer where it was downloaded): its bytes once more, its type,
   * then `--version` within 10 s; `wanted` for a release. Answers the version that it reported.
   * Errors: file-changed, not-a-program, version-not-told, version-differs.
   */
  verifyStaged(
    file: string,
    sha256: string,
    wanted: string | undefined,
    verifying: StagedOptions,
  ): Promise<Result<{ version: string; part: RunbookPart }>>
}

/** What the settings of the same names say. */
interface ReleaseSettings {
  url: string
  repository: string
  publicKey: string
  check: boolean
}

export interface ReleasesOptions {
  home: string
  settings(): ReleaseSettings
  /** Of the app: its proxies. */
  environment: WebWith['environment']
  /** What a child of the app is given. */
  childEnvironment: Record<string, string>
  /** Runs a program of zot for its version. */
  inspect: InspectProgram
  clock: Clock
  report(setAside: SetAside): void
  machine?: { platform: NodeJS.Platform; arch: string }
  /** For tests: certificates, shorter times. */
  web?: Pick<WebWith, 'ca' | 'limits'>
  pace?: Partial<Timing>
  maxBytes?: number
}

/** The most that a program may have where nothing is listed, in bytes. */
const defaultMaxBytes = 300_000_000
const dayMs = 24 * 3600_000
/** Nothing goes out by itself sooner after a start, in ms. */
const quietMs = 10 * 60_000

/** Connections are opened when something is asked for, and closed when nobody uses them any more. */
export function createReleases(options: ReleasesOptions): Releases {
  const { home, environment, childEnvironment, inspect, clock, report } = options
  const machine = options.machine ?? process
  const maxBytes = options.maxBytes ?? defaultMaxBytes
  const web = createWeb({ environment, now: clock.now, ...options.web })
  const startedAt = clock.now()
  const source = () => {
    const { url, repository } = options.settings()
    const base = url === '' ? 'https://api.github.com' : url.replace(/\/+$/, '')
    return { base, repository: repository === '' ? 'project-zot/zot' : repository }
  }
  const list = releaseList({ home, web, machine, source, now: clock.now, report })
  const accepted = acceptedManifests(home, { now: clock.now, report })
  const timing: Timing = {
    backoffMs: 500,
    slowAfterMs: 60_000,
    slowBytes: 60_000,
    monotonic: clock.monotonic,
    wait: (ms, signal) => waitFor(clock, ms, signal),
    ...options.pace,
  }

  let users = 0
  async function online<T>(work: () => Promise<T>): Promise<T> {
    users += 1
    try {
      return await work()
    } finally {
      users -= 1
      if (users === 0) await web.close()
    }
  }

  async function downloadRelease(release: Release, request: ObtainOptions): Promise<Result<Obtained>> {
    const { asset, version } = release
    if (asset === undefined) {
      const wanted = assetName(machine) ?? `zot-${machine.platform}-${machine.arch}`
      return fail({ code: 'release-not-built-for', version, asset: wanted })
    }
    const unsafe = steppingDown(source().base, asset)
    if (unsafe !== undefined) return fail(unsafe)
    const sha256 = asset.digest?.slice('sha256:'.length)
    const listed = { bytes: asset.bytes, ...(sha256 === undefined ? {} : { sha256 }) }
    const file = join(request.to, asset.name)
    const got = await fetchFile({
      web,
      url: asset.url,
      file,
      listed,
      maxBytes,
      timing,
      ...request,
    })
    if (!got.ok) return got
    return ok({ origin: 'release', file, ...got.value, version, from: withoutSecrets(asset.url) })
  }

  async function downloadUrl(url: string, request: ObtainOptions): Promise<Result<Obtained>> {
    const file = join(request.to, 'zot')
    const got = await fetchFile({ web, url, file, maxBytes, timing, ...request })
    return got.ok ? ok({ origin: 'url', file, ...got.value, from: withoutSecrets(url) }) : got
  }

  return {
    list: ({ signal } = {}) => online(() => list.list(signal)),
    cached: list.cached,
    find: (version, { signal } = {}) => online(() => list.find(version, signal)),
    async due(now) {
      if (!options.settings().check || now - startedAt < quietMs) return false
      const tried = await list.triedAt()
      return (
        ((await list.limitedUntil()) ?? 0) <= now &&
        (tried === undefined || tried > now || now - tried >= dayMs)
      )
    },
    download: (release, request) =>
      online(() =>
        typeof release === 'string' ? downloadUrl(release, request) : downloadRelease(release, request),
      ),
    fromFile: (path, request) => copyProgram(path, request, maxBytes),
    async verify(got, release, { signal, onPart = () => {}, allowDowngrade = false }) {
      const known = await accepted.read()
      if (!known.ok) return known
      const verified = await online(() =>
        verifyProgram({
          got,
          release,
          machine,
          publicKey: options.settings().publicKey,
          fetch: (asset, maxBytes) => fetchSmall(web, source().base, asset, maxBytes, signal),
          accepted: known.value,
          allowDowngrade,
          now: clock.now(),
          onPart,
        }),
      )
      if (!verified.ok) return signal.aborted ? fail({ code: 'cancelled' }) : verified
      const { manifest, ...trust } = verified.value
      const added = manifest === undefined ? ok(null) : await accepted.add(manifest)
      return added.ok ? ok(trust) : added
    },
    verifyStaged: (file, sha256, wanted, { from, onPart }) =>
      askVersion({ file, from, sha256, wanted, machine, environment: childEnvironment, inspect, onPart }),
  }
}

function steppingDown(base: string, asset: Asset): Failure | undefined {
  const [url, to] = [withoutSecrets(base), withoutSecrets(asset.url)]
  return isSteppingDown(base, asset.url)
    ? { code: 'web-redirect-refused', url, to, why: 'unsafe' }
    : undefined
}

async function fetchSmall(
  web: Web,
  base: string,
  asset: Asset,
  maxBytes: number,
  signal: AbortSignal,
): Promise<Result<Buffer>> {
  const unsafe = steppingDown(base, asset)
  if (unsafe !== undefined) return fail(unsafe)
  const answer = await web.get(asset.url, { signal, headers: { accept: 'application/octet-stream' } })
  if (!answer.ok) return answer
  const { status, body } = answer.value
  if (status === 200) return readBytes(web, answer.value, maxBytes, signal)
  body.destroy()
  return fail({ code: 'web-refused', url: withoutSecrets(asset.url), status })
}

function waitFor(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.setTimer(clock.now() + ms, done)
    signal.addEventListener('abort', done)
    if (signal.aborted) done()
  })
}
