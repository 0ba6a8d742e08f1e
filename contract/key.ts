/** An API key, without its secret. Times are RFC 3339; null: never. */
export interface ApiKey {
  uuid: string
  user: string
  label: string
  createdAt: string
  expirationDate: string | null
  lastUsed: string | null
  /** Whether the app itself looks after this key. */
  managed: boolean
}

export interface KeyList {
  keys: ApiKey[]
  /** Present when only this user's keys could be read: the engine shows the app no others. */
  onlyUser?: string
}

/**
 * A key that was just made. The command line gets `apiKey` at once; a window asks for it with keys.reveal, once,
 * when somebody wants to see it.
 */
export interface KeyCreated {
  uuid: string
  user: string
  label: string
  expirationDate: string | null
  apiKey?: string
}

export interface KeyRevoked {
  /** The key itself first, then those that were minted with it, where they were to go too. */
  revoked: string[]
  /** Keys minted with the revoked one that still work. */
  descendants: string[]
}
