import { anonymousRights, mostOf, openAddress } from '../../registry/config/anonymous-rights.ts'
import type { OpenIdProvider } from '../../registry/config/http-shape.ts'
import { actionLists, isSince, lacks, type SwitchFacts, type SwitchRule } from './switch-rule.ts'

const hasKeys = ({ config: { http } }: SwitchFacts): boolean => http.auth?.apikey === true

/** Whether people can sign in with a browser. */
const hasSessions = ({ config: { http } }: SwitchFacts): boolean =>
  http.auth?.openid !== undefined || http.auth?.htpasswd !== undefined || http.auth?.ldap !== undefined

const providersOf = ({
  config: { http },
}: SwitchFacts): Readonly<Record<string, OpenIdProvider | undefined>> => http.auth?.openid?.providers ?? {}

const apiKeys = 'http.auth.apikey'

/** Who comes in, and who may do what. */
export const accessRules: readonly SwitchRule[] = [
  {
    id: 'open-registry',
    keys: ['http.address'],
    toZot({ config }) {
      const most = mostOf(anonymousRights(config))
      const address = openAddress(config)
      return most === undefined || address === undefined
        ? undefined
        : {
            severity: 'warning',
            advice: `Nobody is asked who they are at ${address}: anyone who can reach this machine may ${most}. zot serves that, and wider rights that config.json gets later, whether somebody agreed to it or not.`,
          }
    },
  },
  {
    id: 'api-keys',
    keys: [apiKeys],
    toOwn: facts =>
      hasKeys(facts)
        ? {
            severity: 'warning',
            advice:
              'API keys made with zot do not work with zotbar-registry. Make new ones after the switch; the old ones work again after a switch back.',
          }
        : undefined,
    toZot: facts =>
      hasKeys(facts)
        ? {
            severity: 'warning',
            advice:
              'API keys made with zotbar-registry do not work with zot. Make new ones after the switch; the old ones work again after a switch back, and so do those that zot knew before.',
          }
        : undefined,
  },
  {
    id: 'key-scopes',
    keys: [apiKeys],
    toOwn: facts =>
      hasKeys(facts)
        ? {
            severity: 'info',
            advice:
              'zotbar-registry enforces the scopes of a key (repository:GLOB:ACTIONS; another form is refused with 400). A key ends after 90 days unless asked otherwise, and after 366 at most.',
          }
        : undefined,
    toZot: facts =>
      hasKeys(facts)
        ? {
            severity: 'warning',
            advice:
              'zot stores the scopes of a key and does not enforce them, a key without a date never ends there, and Zotbar reaches only the keys of its own user.',
          }
        : undefined,
  },
  {
    id: 'sessions',
    keys: ['http.auth.sessionKeysFile', 'http.auth.sessionDriver'],
    toOwn: facts =>
      hasSessions(facts)
        ? {
            severity: 'info',
            keyPath: 'http.auth',
            advice:
              'Everybody who is signed in with a browser has to sign in to zotbar-registry again. It keeps sessions itself, and they outlast a restart.',
          }
        : undefined,
    toZot(facts) {
      if (!hasSessions(facts)) return undefined
      const { sessionKeysFile, sessionDriver } = facts.config.http.auth ?? {}
      const isKept = sessionKeysFile !== undefined || sessionDriver !== undefined
      return {
        severity: 'info',
        keyPath: 'http.auth',
        advice: `Everybody who is signed in with a browser has to sign in to zot again${
          isKept ? '' : ', and after every restart of it, as http.auth.sessionKeysFile is not set'
        }. zot writes the cookies of browsers to its log.`,
      }
    },
  },
  {
    id: 'identity-provider',
    keys: ['http.auth.openid'],
    toOwn: facts =>
      Object.values(providersOf(facts)).some(provider => provider !== undefined)
        ? {
            severity: 'info',
            advice:
              'The identity provider is asked only when somebody signs in: while it does not answer, everything else works.',
          }
        : undefined,
    toZot: facts =>
      Object.values(providersOf(facts)).some(provider => provider !== undefined)
        ? {
            severity: 'warning',
            advice:
              'zot asks the identity provider at every start, and does not start while that does not answer. Groups of a user are those of the last sign-in at zot.',
          }
        : undefined,
  },
  {
    id: 'refused-provider',
    keys: ['http.auth.openid.providers.github', 'http.auth.openid.providers.*.keypath'],
    toOwn(facts) {
      const [refused] = Object.entries(providersOf(facts)).filter(
        ([name, provider]) => provider !== undefined && (name === 'github' || provider.keypath),
      )
      if (refused === undefined) return undefined
      const [name] = refused
      return {
        severity: 'error',
        keyPath: `http.auth.openid.providers.${name}${name === 'github' ? '' : '.keypath'}`,
        advice:
          name === 'github'
            ? 'zotbar-registry does not know how to sign in at GitHub, and does not start with it.'
            : 'zotbar-registry does not sign its requests at a provider with a key, and does not start with it.',
      }
    },
  },
  {
    id: 'anonymous-and-known',
    keys: ['http.accessControl.repositories'],
    toZot(facts) {
      const repositories = facts.config.http.accessControl?.repositories ?? {}
      const found = Object.entries(repositories).find(([, { anonymousPolicy, defaultPolicy }]) =>
        anonymousPolicy.some(action => !defaultPolicy.includes(action)),
      )
      if (found === undefined || facts.config.http.auth === undefined) return undefined
      const [pattern, { anonymousPolicy, defaultPolicy }] = found
      const missing = anonymousPolicy.filter(action => !defaultPolicy.includes(action))
      return {
        severity: 'warning',
        keyPath: `http.accessControl.repositories[${JSON.stringify(pattern)}].anonymousPolicy`,
        advice: `zot gives anonymousPolicy only to those without credentials: who is signed in and stands in no policy gets 403 for ${missing.join(', ')}. To keep it for them, give it in defaultPolicy too.`,
      }
    },
    toOwn: facts =>
      facts.config.http.auth !== undefined &&
      Object.values(facts.config.http.accessControl?.repositories ?? {}).some(
        ({ anonymousPolicy, defaultPolicy }) =>
          anonymousPolicy.some(action => !defaultPolicy.includes(action)),
      )
        ? {
            severity: 'info',
            advice:
              'What anonymousPolicy gives, everybody has who is signed in: zot gives it only to those without credentials.',
          }
        : undefined,
  },
  {
    id: 'push-again',
    keys: ['http.accessControl.repositories', 'http.accessControl.adminPolicy'],
    toZot(facts) {
      const found = createOnly(facts)
      if (found === undefined) return undefined
      const isExempt = isSince(facts, 'v2.1.15') === false
      return {
        severity: 'warning',
        keyPath: found,
        advice: `With zot, pushing the identical image to its own tag again needs update: who may only create gets 403${
          isExempt
            ? '. The tag latest is left out of that rule before v2.1.15: with create alone it can be replaced by another image'
            : ''
        }.`,
      }
    },
    toOwn(facts) {
      const found = createOnly(facts)
      if (found === undefined) return undefined
      const wasExempt = isSince(facts, 'v2.1.15') === false
      return {
        severity: wasExempt ? 'warning' : 'info',
        keyPath: found,
        advice: `Who may only create can push the identical image to its tag again; another one needs update${
          wasExempt ? ', for the tag latest too, which this zot left out of that rule' : ''
        }.`,
      }
    },
  },
  {
    id: 'docker-asked-to-sign-in',
    keys: ['http.accessControl.repositories'],
    toOwn: facts =>
      isSince(facts, 'v2.1.16') === false && hasBothPolicies(facts)
        ? {
            severity: 'warning',
            advice:
              'Docker clients without credentials are answered 401 on /v2/, as by zot from v2.1.16 on, because they send credentials only after it. Let those that only pull sign in too, and point health checks at /readyz.',
          }
        : undefined,
    toZot: facts =>
      isSince(facts, 'v2.1.16') === false && hasBothPolicies(facts)
        ? {
            severity: 'info',
            advice:
              'This zot answers Docker clients without credentials 200 on /v2/, so they send none where anonymous may read.',
          }
        : undefined,
  },
  {
    id: 'metrics-access',
    keys: ['http.accessControl.metrics'],
    toOwn: facts =>
      opensMetrics(facts) && isSince(facts, 'v2.1.18') !== false
        ? {
            severity: 'warning',
            advice:
              'The empty name in metrics.users lets everybody read the metrics, as zot did up to v2.1.17; from v2.1.18 on zot lets nobody in by it.',
          }
        : undefined,
    toZot(facts) {
      if (!opensMetrics(facts) || isSince(facts, 'v2.1.18') === false) return undefined
      const { anonymousPolicy } = facts.config.http.accessControl?.metrics ?? {}
      if (anonymousPolicy?.includes('read')) return undefined
      return {
        severity: 'warning',
        advice:
          'From v2.1.18 on zot lets nobody read the metrics by an empty name in metrics.users: scrapers without a credential get 401. "anonymousPolicy": ["read"] in its place is understood by both.',
      }
    },
  },
  {
    id: 'pages',
    keys: ['extensions.ui'],
    toOwn: ({ config: { extensions } }) =>
      extensions?.ui?.enable
        ? {
            severity: 'warning',
            advice:
              "zot's own pages end. zotbar-registry has pages to sign in and to make keys (/login, /user/apikey); the images are shown by Zotbar.",
          }
        : undefined,
    toZot(facts) {
      const { config } = facts
      const isOn = config.extensions?.ui?.enable === true
      if (isOn && !lacks(facts, 'ui'))
        return {
          severity: 'info',
          advice: "zot's own pages begin, in the place of those of zotbar-registry.",
        }
      if (!hasKeys(facts)) return undefined
      return {
        severity: 'info',
        advice: `${isOn ? 'There are no pages in this build of zot' : 'zot has no pages without extensions.ui'}: nobody can sign in or make keys with a browser any more.`,
      }
    },
  },
]

/** Where somebody may create and not replace; undefined: nobody, or there are no rules. */
const createOnly = (facts: SwitchFacts): string | undefined =>
  actionLists(facts).find(({ actions }) => actions.includes('create') && !actions.includes('update'))?.keyPath

function hasBothPolicies(facts: SwitchFacts): boolean {
  const given = actionLists(facts).filter(({ actions }) => actions.length > 0)
  const isAnonymous = ({ keyPath }: { keyPath: string }): boolean => keyPath.endsWith('.anonymousPolicy')
  return given.some(isAnonymous) && given.some(list => !isAnonymous(list))
}

const opensMetrics = ({ config: { extensions, http } }: SwitchFacts): boolean =>
  extensions?.metrics?.enable === true && http.accessControl?.metrics.users.includes('') === true
