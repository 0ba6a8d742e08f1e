import type { RunbookPart } from './runbook.ts'

/** An API key, without its secret. Times are RFC 3339; null: never. */
export interface ApiKey {
  uuid: string
  user: string
  label: string
  createdAt: string
  expirationDate: string | null
  lastUsed: string | null
  /** Whether Zotbar rotates this key. */
  managed: boolean
  /** How many keys came out of it and still are there; absent where the engine does not know. */
  descendants?: number
}

export interface KeyList {
  keys: ApiKey[]
  /** Present when the engine shows the keys of this user only: the one whose password or managed key Zotbar holds. */
  onlyUser?: string
  /** The same where they are several. */
  onlyUsers?: string[]
}

/**
 * A key that was just created. The command line gets `apiKey` at once; a window gets it by keys.reveal, once, when
 * the user wants to see it.
 */
export interface KeyCreated {
  uuid: string
  user: string
  label: string
  expirationDate: string | null
  apiKey?: string
  /** Until when its secret waits for keys.reveal, RFC 3339; absent where it was handed out with the answer. */
  lapsesAt?: string
  /** Where the key is used, as clients call it: "127.0.0.1:5050". Absent from a core before this was told. */
  registry?: string
  /** What keeps the key from doing what it is for, the gravest first. */
  warnings?: KeyWarning[]
}

/**
 * What a person has to know before a key is used: nobody has this name (`user-unknown`), or config.json gives them no
 * right to pull or push (`no-rights`), or none to push (`read-only`). None of it keeps the key from being created.
 */
export type KeyWarning =
  | { code: 'user-unknown'; user: string }
  | { code: 'no-rights' | 'read-only'; user: string; rule: AccessRule }

/**
 * A policy of `http.accessControl` that is missing: the smallest change of config.json that takes no right from
 * anybody.
 */
export interface AccessRule {
  /** The pattern of repositories below which it has to stand. */
  pattern: string
  /** Whether config.json has no entry for that pattern yet. */
  isNew: boolean
  users: string[]
  /** zot's words: "read", "create", "update", "delete". */
  actions: string[]
}

export interface KeyRevoked {
  /**
   * The key itself first, where it was not revoked before, then those that were created with it, where they went too.
   */
  revoked: string[]
  /** Keys that were created with the revoked one and still work. */
  descendants: string[]
  /** The engine does not know which keys were created with another, as zot: neither list says anything of them. */
  descendantsUnknown?: true
}

/** A sink of a managed key. `stale`: it holds another key; `unknown`: not checked, or not delivered to yet. */
export interface ManagedSink {
  /** As the user wrote it: "op:CI/registry/password". */
  spec: string
  title: string
  place: string
  state: 'proven' | 'accepted' | 'stale' | 'unknown' | 'failed'
  /** When the state was checked, RFC 3339. */
  at?: string
  words?: string
}

/** One difference between a managed key and our record of it. */
export interface KeyDrift {
  id: 'revoked-elsewhere' | 'expired' | 'secret-gone' | 'unknown-key' | 'sink-stale' | 'elsewhere' | 'unseen'
  /** One sentence, and what to do about it. */
  words: string
  repair: string
}

/** A managed key without its secret. Times are RFC 3339; null: never. */
export interface ManagedKey {
  /** As clients call it: "127.0.0.1:5050". */
  registry: string
  user: string
  label: string
  uuid: string
  createdAt: string
  expirationDate: string | null
  lastUsed: string | null
  kept: 'keychain' | 'encrypted-file' | 'plain-file'
  /** In the order in which they are delivered to. */
  sinks: ManagedSink[]
  proveRepository?: string
  /** The key before, which still works until then. `words`: why it is still there although its time has come. */
  retiring?: {
    uuid: string
    label: string
    createdAt?: string
    expirationDate?: string | null
    retireAt: string
    lastUsed?: string
    words?: string
  }
  /** The key that takes over, created by a rotation that has not switched yet. */
  next?: { label: string; createdAt: string; expirationDate: string | null }
  drift: KeyDrift[]
  /** Days until the day of its end, as `daysLeft` of messages/remaining-time.ts counts them. */
  daysLeft: number | null
  /** 30 days or fewer are left. */
  nearEnd: boolean
  /** Its last sixth has begun: day 75 of 90. */
  shouldRotate: boolean
}

export interface ManagedKeyList {
  keys: ManagedKey[]
  /** The backend of the secrets, or why there is none: for people. */
  store: string
}

/** A managed key with the results of its checks. */
export interface CheckedManagedKey extends ManagedKey {
  checks: RunbookPart[]
  /** As of a key that was just created. */
  warnings?: KeyWarning[]
}

/** `works`: no check failed; one that could not be made is `skipped`. */
export interface KeyProof {
  user: string
  works: boolean
  checks: RunbookPart[]
}

/** What the status summary needs to know of a managed key. `trouble`: why it does not work, half a sentence. */
export interface ManagedKeySummary {
  user: string
  registry: string
  uuid: string
  createdAt?: string
  expirationDate: string | null
  daysLeft: number | null
  shouldRotate: boolean
  trouble?: string
}

/** A key that Zotbar does not rotate, and that ends within 30 days or has ended lately. Times are RFC 3339. */
export interface EndingKey {
  user: string
  label: string
  uuid: string
  createdAt: string
  expirationDate: string
  lastUsed: string | null
}
