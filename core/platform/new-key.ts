/** Where the account of a key's user lives, and what an identity provider said of it at the last sign-in. */
export interface KeyAccount {
  origin: 'local' | 'oidc'
  groups: string[]
}

/** A key that was just created. */
export interface NewKey {
  user: string
  /** What it is narrowed to, as `repository:GLOB:ACTION,...`; none: all that its user may. */
  scopes: readonly string[]
  /** Where it has to pull and push, where that is known. */
  repository?: string | undefined
  /** Where the engine tells. */
  account?: KeyAccount | undefined
}
