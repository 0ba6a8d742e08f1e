import type { ApiKey, KeyRevoked } from '../../../contract/key.ts'
import type { Result } from '../../../contract/result.ts'

export interface KeyWish {
  user: string
  label: string
  /** RFC 3339; empty: what the engine's policy says. */
  expirationDate: string
  scopes: string[]
}

/** A key that was just made, with its secret. */
export interface MadeKey {
  uuid: string
  user: string
  label: string
  expirationDate: string | null
  apiKey: string
}

/** Where keys are made and ended: the administration socket, or the key routes of one user. */
export interface KeyBook {
  /** Present where only this user's keys can be reached. */
  onlyUser?: string
  /** Whether a key can live for ever here. */
  mayLiveForEver: boolean
  list(): Promise<Result<ApiKey[]>>
  create(wish: KeyWish): Promise<Result<MadeKey>>
  revoke(uuid: string, descendants: boolean): Promise<Result<KeyRevoked>>
}
