import type { ProbeId, ProbeResult } from '../../contract/snapshot.ts'

/** One repository and the digest of one manifest in it. */
export interface KnownManifest {
  name: string
  digest: string
}

export interface ProbeContext {
  /** Where the registry answers, without a trailing slash. */
  url: string
  /** Counted manifests, one of each repository; undefined before the first count. */
  repositories(): Iterable<KnownManifest> | undefined
  /** A digest that the repository has on disk now; undefined when it has none. */
  digestNow(name: string): Promise<string | undefined>
  /** Whether the repository holds copies from an upstream, which a probe must not wake. */
  isCached(repository: string): boolean
  /** Zotbar's own credential at the registry, for what is not public. */
  authorization?(): Promise<string | undefined>
  /** Grows by one with each round; selects the repository to probe. */
  round: number
  /** Milliseconds of a clock that only goes forward. */
  monotonic(): number
}

export interface Probe {
  id: ProbeId
  /** Does not reject, whatever the registry does. */
  run(context: ProbeContext): Promise<ProbeResult>
}

/** "1 ms": rounded, and never nothing. */
export const formatMilliseconds = (ms: number): string => `${Math.max(1, Math.round(ms))}\u00a0ms`

/** Status codes of a registry that works and asks for a sign-in. */
export const needsSignIn = (status: number): boolean => status === 401 || status === 403
