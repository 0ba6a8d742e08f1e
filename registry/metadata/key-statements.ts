import type { ApiKey } from '../auth/api-key.ts'
import { printScope } from '../auth/scope.ts'
import type { Statement } from './database.ts'

/** A key as its row has it. */
interface StoredKey {
  readonly key: ApiKey
  readonly hash: string
  readonly ancestors: readonly string[]
}

/** `hash`: of its secret; `ancestors`: the keys that it came out of, oldest first. */
export const insertion = ({ key, hash, ancestors }: StoredKey): Statement => ({
  sql: `INSERT INTO api_keys (uuid, hash, user, origin, label, scopes, created_at, expires_at, creator_ua,
     generated_by, ancestors) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  values: [
    key.uuid,
    hash,
    key.user,
    key.origin,
    key.label,
    JSON.stringify(key.scopes.map(printScope)),
    key.createdAt,
    key.expiresAt,
    key.creatorUa,
    key.generatedBy,
    JSON.stringify(ancestors),
  ],
})

export const deletion = ({ key }: Pick<StoredKey, 'key'>): Statement => ({
  sql: 'DELETE FROM api_keys WHERE uuid = ?',
  values: [key.uuid],
})
