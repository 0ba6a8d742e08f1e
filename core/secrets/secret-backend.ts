import type { Result } from '../../contract/result.ts'

export type BackendKind = 'keychain' | 'encrypted-file' | 'plain-file'

/** One way to store secrets by account. Each write is read back before it counts. */
export interface SecretBackend {
  readonly kind: BackendKind
  /** For people: where the secrets are and how they are protected. */
  describe(): string
  /** Whether a secret can be stored now; leaves nothing behind. */
  probe(): Promise<Result<null>>
  get(account: string): Promise<Result<string | undefined>>
  set(account: string, secret: string): Promise<Result<null>>
  delete(account: string): Promise<Result<null>>
}
