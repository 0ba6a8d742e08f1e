import type { KeyPolicy } from '../auth/api-key.ts'
import { createCipher } from '../auth/cipher.ts'
import type { Config } from '../config/config.ts'
import { wildcardOf } from '../config/listen-address.ts'
import type { Logger } from '../log/logger.ts'
import type { ApiKeys } from '../metadata/api-keys.ts'
import type { Sessions } from '../metadata/sessions.ts'
import type { Reloadable } from '../reload/reloader.ts'
import { prepareFor } from './provider.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { createSignInRules, readProviders } from './rules.ts'
import type { SignInDeps } from './sign-in-routes.ts'
import { createSignInsUnderWay } from './sign-ins-under-way.ts'

export interface SignInOptions {
  readonly sessions: Sessions | undefined
  readonly apiKeys: ApiKeys | undefined
  readonly keyPolicy: KeyPolicy
  readonly logger: Pick<Logger, 'log'>
  /** `scheme://address:port` of the listener. */
  readonly origin: () => string
  readonly ownNames: SignInDeps['ownNames']
}

export interface SignIn extends SignInDeps {
  /** Follows a changed configuration. Sessions and sign-ins under way go on. */
  readonly reloadable: Reloadable
}

/** Signing in by browser, for a config whose providers have been read. Asks no provider before somebody comes. */
export function openSignIn(
  config: Config,
  providers: readonly ProviderSettings[],
  options: SignInOptions,
): SignIn {
  const { logger, sessions, apiKeys } = options
  const { address, externalUrl } = config.http
  if (providers.length > 0 && !externalUrl && wildcardOf(address) !== undefined) {
    const fields = { keyPath: 'http.externalUrl' }
    logger.log(
      'warn',
      'http.externalUrl is needed: no identity provider can send people back to a wildcard address',
      fields,
    )
  }
  const signIn: SignIn = {
    ...options,
    underWay: createSignInsUnderWay(createCipher()),
    rules: createSignInRules(config, providers, { logger }),
    reloadable: {
      // The stores of sessions and keys are opened at the start or not at all.
      keys: sessions && apiKeys ? ['http.auth.openid', 'http.auth.secureSession'] : [],
      check: async next => {
        const read = readProviders(next)
        if (read.ok) await prepareFor(read.providers)
        return read.ok ? [] : read.problems.map(({ keyPath, message }) => `${keyPath}: ${message}`)
      },
      apply: next => {
        const read = readProviders(next)
        if (read.ok) signIn.rules = createSignInRules(next, read.providers, { logger })
      },
    },
  }
  return signIn
}
