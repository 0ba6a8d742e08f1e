import { type AskedScopes, parseTokenScopes } from './token-scope.ts'

/** A request for a token. */
interface TokenRequest {
  readonly asked: AskedScopes
  /** Of a form; with GET user and password come in the header. */
  readonly password?: { readonly user: string; readonly password: string }
}

export type TokenRequestResult = { ok: true; request: TokenRequest } | { ok: false; problem: string }

/**
 * Reads the query of a GET. `service`, `account`, `client_id` and `offline_token` decide nothing here.
 * https://distribution.github.io/distribution/spec/auth/token/
 */
export function parseTokenQuery(query: string): TokenRequestResult {
  const scopes = parseTokenScopes(new URLSearchParams(query).getAll('scope'))
  return scopes.ok ? { ok: true, request: { asked: scopes.asked } } : scopes
}

/**
 * Reads the form of a POST: grant_type=password, username, password, scope.
 * https://distribution.github.io/distribution/spec/auth/oauth/
 */
export function parseTokenForm(body: string): TokenRequestResult {
  const fields = new URLSearchParams(body)
  const [type, ...types] = fields.getAll('grant_type')
  const [user = '', ...users] = fields.getAll('username')
  const [password = '', ...passwords] = fields.getAll('password')
  if (types.length + users.length + passwords.length > 0) {
    return no('grant_type, username and password are needed once each')
  }
  if (type === 'refresh_token') return no('no refresh tokens are given here: use grant_type=password')
  if (type !== 'password') return no('grant_type=password is needed')
  if (user === '' || password === '') return no('username and password are needed')
  if (user.includes(':')) return no('no user has a colon in the name')
  const scopes = parseTokenScopes(fields.getAll('scope'))
  return scopes.ok ? { ok: true, request: { asked: scopes.asked, password: { user, password } } } : scopes
}

const no = (problem: string): TokenRequestResult => ({ ok: false, problem })
