import type { Scope } from './scope.ts'

/** Who asks, once it is proven. Nobody in particular is `undefined`. */
export interface Identity {
  readonly user: string
  /** What the identity provider said at sign-in. Groups of local users stand in the config instead. */
  readonly groups: readonly string[]
  /** Where the account lives: in htpasswd and the config, or at an OpenID provider. */
  readonly origin: 'local' | 'oidc'
  readonly via: 'htpasswd' | 'apikey' | 'session'
  /** The key that was shown, for `via: 'apikey'`. */
  readonly keyId?: string
  /** What the key is narrowed to; absent or empty: all that its owner may. */
  readonly scopes?: readonly Scope[]
}
