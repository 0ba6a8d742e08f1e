import { readListenAddress } from './listen-address.ts'
import {
  guard,
  invalid,
  list,
  map,
  mapped,
  needed,
  object,
  optional,
  type ReadBy,
  type Reader,
  refuse,
  withDefault,
} from './reader.ts'
import { driver, duration, flag, headerText, integer, oneOf, port, text, texts } from './scalar.ts'

const minute = 60_000

/** An address of one network card only: it can be listened at, though it can stand in no URL. */
const zoned = /^[\da-f:.]*:[\da-f:.]*%[\w.-]+$/i

/** A name or an address to listen at, as it was written; what it leads to is found out when listening. */
const hostText: Reader<string> = cursor => {
  const value = text(cursor)
  return typeof value === 'string' && readListenAddress(value) === undefined && !zoned.test(value)
    ? refuse(
        cursor,
        'not-allowed',
        `${JSON.stringify(value)} is not an address`,
        'such as "127.0.0.1", "[::1]", "::1", "localhost", or "" for every address of this machine',
      )
    : value
}

export const tlsShape = object({ cert: optional(text), key: optional(text), cacert: optional(text) })

/** With one of the two zot serves without TLS. */
const serverTls: Reader<ReadBy<typeof tlsShape>> = cursor => {
  const tls = tlsShape(cursor)
  if (tls === invalid || (tls.cert && tls.key)) return tls
  return refuse(cursor, 'missing', 'TLS needs both "cert" and "key"')
}

/** Without a path nobody is read from a file: zot takes an empty one for none. */
const htpasswd = mapped(object({ path: withDefault(text, '') }), ({ path }) =>
  path === '' ? undefined : { path },
)

const provider = object({
  name: optional(text),
  issuer: optional(text),
  clientid: optional(text),
  clientsecret: optional(text),
  /** A JSON file with exactly clientid and clientsecret, instead of the two keys above. */
  credentialsFile: optional(text),
  keypath: optional(text),
  scopes: texts,
  authurl: optional(text),
  tokenurl: optional(text),
  claimMapping: optional(object({ username: optional(text), groups: optional(text) })),
})
export type OpenIdProvider = ReadBy<typeof provider>

const celRule = { expression: text }
const bearer = object({
  realm: optional(text),
  service: optional(text),
  cert: optional(text),
  oidc: list(
    object({
      issuer: optional(text),
      audiences: texts,
      claimMapping: optional(
        object({
          variables: list(object({ name: text, ...celRule })),
          validations: list(object({ message: optional(text), ...celRule })),
          username: optional(text),
          groups: optional(text),
        }),
      ),
      certificateAuthority: optional(text),
      certificateAuthorityFile: optional(text),
      skipIssuerVerification: withDefault(flag, false),
    }),
  ),
  awsSecretsManager: optional(
    object({ region: text, secretName: text, refreshInterval: withDefault(duration(0), minute) }),
  ),
  upstreamTokenEndpoint: optional(
    object({ realm: optional(text), service: optional(text), allowInsecureHttp: withDefault(flag, false) }),
  ),
})

const ldap = object({
  credentialsFile: optional(text),
  address: optional(text),
  port: optional(integer(0, 65535)),
  insecure: withDefault(flag, false),
  startTLS: withDefault(flag, false),
  skipVerify: withDefault(flag, false),
  subtreeSearch: withDefault(flag, false),
  userGroupAttribute: optional(text),
  baseDN: optional(text),
  userAttribute: optional(text),
  userFilter: optional(text),
  caCert: optional(text),
})

const mtls = object({
  identityAttributes: withDefault(texts, ['CommonName']),
  uriSanPattern: optional(text),
  uriSanIndex: withDefault(integer(0), 0),
  dnsSanIndex: withDefault(integer(0), 0),
  emailSanIndex: withDefault(integer(0), 0),
})

const openid = object({
  providers: object({
    google: optional(provider),
    gitlab: optional(provider),
    oidc: optional(provider),
    github: optional(provider),
  }),
  callbackAllowOrigins: texts,
})

/** Any `openid` block switches API keys on, as in zot. */
const auth = mapped(
  object({
    htpasswd,
    ldap: guard(ldap),
    bearer: guard(bearer),
    openid: optional(openid),
    apikey: withDefault(flag, false),
    /** Seconds to wait after a failed login. */
    failDelay: withDefault(integer(0), 0),
    sessionKeysFile: optional(text),
    sessionDriver: optional(driver),
    secureSession: optional(flag),
    mtls: guard(mtls),
  }),
  read => ({ ...read, apikey: read.apikey || read.openid !== undefined }),
)

const policy = object({
  users: texts,
  groups: texts,
  actions: texts,
  /** The key path of the expressions (CEL) that decide when the policy counts: only zot evaluates them. */
  conditions: mapped(list(object({ expression: text, message: optional(text) })), (all, { path }) =>
    all.length === 0 ? undefined : path,
  ),
})

const accessControl = object({
  /** By glob, in lower case as zot's loader leaves it. */
  repositories: map(object({ policies: list(policy), defaultPolicy: texts, anonymousPolicy: texts })),
  adminPolicy: policy,
  groups: map(object({ users: texts })),
  metrics: object({ users: texts, anonymousPolicy: texts }),
})
export type AccessControlConfig = ReadBy<typeof accessControl>

export const httpShape = object({
  address: needed(withDefault(hostText, '127.0.0.1')),
  /** 0: the kernel chooses. */
  port: needed(withDefault(port, 8080)),
  realm: optional(headerText),
  externalUrl: optional(text),
  allowOrigin: optional(text),
  tls: guard(serverTls),
  ratelimit: optional(
    object({ rate: optional(integer(0)), methods: list(object({ method: text, rate: integer(0) })) }),
  ),
  compat: list(oneOf(['docker2s2'])),
  /** ms; 0 or less: none. */
  readTimeout: withDefault(duration(), minute),
  writeTimeout: withDefault(duration(), minute),
  auth: guard(auth),
  accessControl: guard(accessControl),
})
