import type { ActionSet, Scope } from './scope.ts'

/** What a token holds of its holder's rights: no more than these, whatever the holder may do otherwise. */
export interface Grant {
  /** Whoever asked for the token, as they are now. */
  readonly holder: Identity
  /** Rights by repository. */
  readonly repositories: ReadonlyMap<string, ActionSet>
  /** Whether it opens the list of all repositories that the holder may read. */
  readonly catalog: boolean
}

/** Who asks, once it is proven. Nobody in particular is `undefined`. */
export interface Identity {
  readonly user: string
  /** What the identity provider said at sign-in. Groups of local users stand in the config instead. */
  readonly groups: readonly string[]
  /** Where the account lives: in htpasswd and the config, or at an OpenID provider. */
  readonly origin: 'local' | 'oidc'
  readonly via: 'htpasswd' | 'apikey' | 'session' | 'token'
  /** The key that was shown, or that the token was asked for with. */
  readonly keyId?: string
  /** What the key is narrowed to; absent or empty: all that its owner may. */
  readonly scopes?: readonly Scope[]
  /** For `via: 'token'`. */
  readonly grant?: Grant
}
