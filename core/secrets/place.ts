import type { Result } from '../../contract/result.ts'
import type { StoreKind } from './key-store.ts'

/** One way to keep secrets by account. Each write is read back before it counts. */
export interface Place {
  readonly kind: StoreKind
  /** For people, where it is and how it is protected. */
  describe(): string
  /** Whether a secret can be kept here now; leaves nothing behind. */
  probe(): Promise<Result<null>>
  get(account: string): Promise<Result<string | undefined>>
  set(account: string, secret: string): Promise<Result<null>>
  delete(account: string): Promise<Result<null>>
}
