/** How an address could not be reached. `silent`: it took the call and said nothing, or stopped in the middle. */
export type WebCause =
  | 'no-network'
  | 'name'
  | 'refused'
  | 'proxy'
  | 'silent'
  | 'cut'
  | 'certificate'
  | 'other'

/** How getting something from an address fails. `url` has no query, which may hold a secret. */
export type WebFailure =
  | { code: 'web-unreachable'; url: string; cause: WebCause; reason: string }
  /** A rate limit; it ends at `until`, ms since the epoch. */
  | { code: 'web-limited'; url: string; until: number }
  | { code: 'web-refused'; url: string; status: number }
  | { code: 'web-not-understood'; url: string; reason: string }
  | { code: 'web-redirect-refused'; url: string; to: string; why: 'unsafe' | 'too-many' }
  | { code: 'web-too-large'; url: string; limit: number }
  | { code: 'bad-url'; url: string; reason: string }

export type ManifestFault =
  | { kind: 'missing' }
  | { kind: 'key-unusable' }
  | { kind: 'signature' }
  | { kind: 'not-understood'; reason: string }
  | { kind: 'another-version'; version: string }
  | { kind: 'expired'; at: number }
  | { kind: 'not-yet'; at: number }
  /** One that was issued later, at `newest`, was accepted before. */
  | { kind: 'replayed'; at: number; newest: number }
  | { kind: 'not-named'; asset: string }
  | { kind: 'differs'; asset: string; sha256: string; bytes: number }

/** How a version of zot cannot be had, or is not to be trusted. Digests are 64 hex digits; `bytes` are counts. */
export type ReleaseFailure =
  | WebFailure
  | { code: 'release-not-found'; version: string; url: string }
  | { code: 'release-not-built-for'; version: string; asset: string }
  | { code: 'download-broken'; url: string; bytes: number; of?: number; reason: string }
  | { code: 'too-large'; path: string; limit: number }
  | { code: 'no-space'; path: string; needed: number; free?: number }
  | { code: 'size-differs'; path: string; bytes: number; listed: number }
  /** Sources that do not agree on a digest; without `sha256` the source does not name the file. */
  | { code: 'digest-differs'; name: string; claims: { source: string; sha256?: string }[] }
  | { code: 'not-a-program'; path: string; reason: string }
  | { code: 'file-changed'; path: string; expected: string; found: string }
  | { code: 'version-not-told'; path: string; reason: string; version?: string }
  | { code: 'version-differs'; path: string; wanted: string; told: string }
  | { code: 'manifest-refused'; version: string; fault: ManifestFault }
