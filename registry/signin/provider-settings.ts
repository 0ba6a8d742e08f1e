import { readFileSync } from 'node:fs'
import { isObject, parseJson } from '../../lib/json.ts'
import type { OpenIdProvider } from '../config/http-shape.ts'
import { stringIn } from '../oci/json.ts'

export const providerKeys = ['oidc', 'google', 'gitlab'] as const
export type ProviderKey = (typeof providerKeys)[number]

/** An OpenID provider, ready to be asked. */
export interface ProviderSettings {
  /** As it stands in the config and in addresses. */
  readonly key: ProviderKey
  /** For people. */
  readonly title: string
  readonly issuer: URL
  readonly clientId: string
  /** Undefined: a public client. */
  readonly clientSecret: string | undefined
  readonly scopes: readonly string[]
  readonly authUrl: string | undefined
  readonly tokenUrl: string | undefined
  readonly usernameClaim: string | undefined
  readonly groupsClaim: string | undefined
}

export type SettingsResult =
  | { readonly ok: true; readonly settings: ProviderSettings }
  | { readonly ok: false; readonly keyPath: string; readonly message: string }

const defaults: Readonly<Record<ProviderKey, { title: string; issuer?: string }>> = {
  oidc: { title: 'OpenID Connect' },
  google: { title: 'Google', issuer: 'https://accounts.google.com' },
  gitlab: { title: 'GitLab', issuer: 'https://gitlab.com' },
}
const maxFile = 64 * 1024

/** Reads the block of one provider, and its credentials file. No network. */
export function readProvider(key: ProviderKey, block: OpenIdProvider): SettingsResult {
  const no = (name: string, message: string): SettingsResult => ({
    ok: false,
    keyPath: `http.auth.openid.providers.${key}.${name}`,
    message,
  })
  const { title, issuer: defaultIssuer } = defaults[key]
  const credentials = credentialsOf(block)
  if (!credentials.ok) return no('credentialsFile', credentials.message)
  if (!credentials.clientId) return no('clientid', 'the provider knows this registry by its clientid')
  const issuer = readUrl(block.issuer || defaultIssuer)
  if (!issuer) return no('issuer', 'the issuer is an http or https address without query and fragment')
  for (const name of ['authurl', 'tokenurl'] as const) {
    if (block[name] && !readUrl(block[name])) return no(name, `${name} is an http or https address`)
  }
  if (block.scopes.length === 0) return no('scopes', 'at least one scope is needed; "openid" is one')
  return {
    ok: true,
    settings: {
      key,
      title: block.name || title,
      issuer,
      clientId: credentials.clientId,
      clientSecret: credentials.clientSecret || undefined,
      scopes: [...new Set(['openid', ...block.scopes])],
      authUrl: block.authurl || undefined,
      tokenUrl: block.tokenurl || undefined,
      usernameClaim: block.claimMapping?.username || undefined,
      groupsClaim: block.claimMapping?.groups || undefined,
    },
  }
}

function readUrl(text: string | undefined): URL | undefined {
  if (!text || !URL.canParse(text)) return undefined
  const url = new URL(text)
  const plain = url.hash === '' && url.username === '' && url.password === ''
  return plain && /^https?:$/.test(url.protocol) ? url : undefined
}

type Credentials =
  | { ok: true; clientId: string | undefined; clientSecret: string | undefined }
  | { ok: false; message: string }

function credentialsOf({ clientid, clientsecret, credentialsFile }: OpenIdProvider): Credentials {
  if (!credentialsFile) return { ok: true, clientId: clientid, clientSecret: clientsecret }
  if (clientid && clientsecret)
    return { ok: false, message: 'either credentialsFile, or clientid and clientsecret' }
  let text: string
  try {
    text = readFileSync(credentialsFile, 'utf8').slice(0, maxFile)
  } catch (error) {
    return {
      ok: false,
      message: `${credentialsFile}: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
  const read = parseJson(text)
  if (!isObject(read)) return { ok: false, message: `${credentialsFile} is not a JSON object` }
  const unknown = Object.keys(read).find(name => !['clientid', 'clientsecret'].includes(name.toLowerCase()))
  if (unknown !== undefined)
    return {
      ok: false,
      message: `${credentialsFile} holds ${JSON.stringify(unknown)}; clientid and clientsecret belong there`,
    }
  const lower = Object.fromEntries(Object.entries(read).map(([name, value]) => [name.toLowerCase(), value]))
  const clientId = stringIn(lower, 'clientid')
  if (!clientId) return { ok: false, message: `${credentialsFile} has no clientid` }
  return { ok: true, clientId, clientSecret: stringIn(lower, 'clientsecret') }
}
