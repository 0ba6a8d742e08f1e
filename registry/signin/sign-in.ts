import type { KeyPolicy } from '../auth/api-key.ts'
import type { Config } from '../config/config.ts'
import type { Logger } from '../log/logger.ts'
import type { ApiKeys } from '../metadata/api-keys.ts'
import type { Sessions } from '../metadata/sessions.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { createSignInRules } from './rules.ts'
import { createSeal } from './seal.ts'
import type { SignInContext } from './sign-in-routes.ts'

export interface SignInParts {
  readonly sessions: Sessions | undefined
  readonly apiKeys: ApiKeys | undefined
  readonly keyPolicy: KeyPolicy
  readonly logger: Pick<Logger, 'log'>
  /** `scheme://address:port` of the listener. */
  readonly origin: () => string
}

export interface SignIn extends SignInContext {
  /** Takes over a changed configuration. Sessions and sign-ins under way go on. */
  reconfigure(config: Pick<Config, 'http'>, providers: readonly ProviderSettings[]): void
}

/** Signing in by browser, for a config whose providers have been read. Asks no provider before somebody comes. */
export function openSignIn(
  config: Pick<Config, 'http'>,
  providers: readonly ProviderSettings[],
  parts: SignInParts,
): SignIn {
  const { logger } = parts
  const signIn: SignIn = {
    ...parts,
    seal: createSeal(),
    rules: createSignInRules(config, providers, { logger }),
    reconfigure: (changed, now) => {
      signIn.rules = createSignInRules(changed, now, { logger })
    },
  }
  return signIn
}
