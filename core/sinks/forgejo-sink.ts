import { fail, type Result } from '../../contract/result.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { type ForgejoRequest, type ForgejoResponse, requestForgejo } from './forgejo-http.ts'
import type { SecretScope } from './parse-sink.ts'
import type { Sink, SinkProof, SinkResult, SinkSecret } from './sink.ts'
import { cancelled, done, errorOf, maskedTail, refused } from './sink-result.ts'

/** The account that the token is stored under, beside the keys. */
export const forgejoTokenAccount = 'forgejo-token'

/** One secret; core/secrets has one by name. */
interface Note {
  set(secret: string): Promise<Result<null>>
}

/** Stores an access token as it was pasted or piped. Errors: bad-input, and those of the backend. */
export function setForgejoToken(note: Note, newToken: string): Promise<Result<null>> {
  const token = newToken.trim()
  const problem =
    token === ''
      ? 'nothing'
      : token.length > 500
        ? `${token.length} characters`
        : /^[\x21-\x7e]+$/.test(token)
          ? undefined
          : 'a space, or a sign that is not ASCII, within it'
  if (problem === undefined) return note.set(token)
  return Promise.resolve(
    fail({
      code: 'bad-input',
      field: 'token',
      wrong: problem,
      allowed: 'an access token of Forgejo, on one line',
    }),
  )
}

export interface Forgejo {
  /** The setting `forgejo.url`, without a slash at its end; '' for none. */
  url(): string
  /** The access token. Undefined: none was given yet. */
  token(): Promise<Result<string | undefined>>
}

interface Options {
  scope: SecretScope
  name: string
  forgejo: Forgejo
  limitMs?: number | undefined
}

const forgejoLimitMs = 20_000

/** An Actions secret of Forgejo or Gitea. The server never shows one again. https://codeberg.org/api/swagger */
export function forgejoSink(id: string, { scope, name, forgejo, limitMs = forgejoLimitMs }: Options): Sink {
  const below = pathOf(scope)

  async function ask(
    request: Pick<ForgejoRequest, 'method' | 'body'> & { path: string },
    signal: AbortSignal,
  ): Promise<{ base: string; answer: ForgejoResponse } | Extract<SinkResult, { ok: false }>> {
    if (signal.aborted) return cancelled
    const base = forgejo.url()
    if (base === '')
      return refused('sink-unusable', 'Forgejo has no address. Name it: zotbar settings set forgejo.url URL')
    const token = await forgejo.token()
    if (!token.ok) return { ok: false, error: errorOf(token.error) }
    if (token.value === undefined)
      return refused('sink-unusable', 'Forgejo has no token. Give it: zotbar keys forgejo-token')
    const { path, ...rest } = request
    const url = `${base}/api/v1${path}`
    const answer = await requestForgejo({ ...rest, url, token: token.value, signal, limitMs })
    // An answer that repeats what it was sent is not quoted with it.
    if (answer.kind === 'answer') answer.body = answer.body.replaceAll(token.value, '***')
    return { base, answer }
  }

  async function reach(signal: AbortSignal): Promise<SinkResult> {
    const response = await ask({ method: 'GET', path: below }, signal)
    if ('ok' in response) return response
    const { base, answer } = response
    if (answer.kind === 'answer' && answer.status === 200) return reachedResult(base)
    if (answer.kind === 'answer' && answer.status === 404) {
      // Not there, or not visible to this token; unless the server is one that does not know the question.
      const version = await ask({ method: 'GET', path: '/version' }, signal)
      if ('answer' in version && version.answer.kind === 'answer' && version.answer.status !== 200)
        return reachedResult(base)
    }
    return refusalOf(answer, base, scope, undefined)
  }

  return {
    id,
    kind: 'forgejo',
    describe: () => ({
      title: 'Forgejo Actions secret',
      place: `${scopeText(scope)}/${name}`,
      provable: false,
    }),
    reach,
    async deliver(secret, signal) {
      const path = `${below}/actions/secrets/${encodeURIComponent(name)}`
      const response = await ask({ method: 'PUT', path, body: { data: secret.key } }, signal)
      if ('ok' in response) return response
      const { base, answer } = response
      if (answer.kind === 'answer' && (answer.status === 201 || answer.status === 204)) return done
      return refusalOf(answer, base, scope, secret)
    },
    async prove(_secret, signal): Promise<SinkProof> {
      const unseen = {
        holds: 'cannot-tell',
        words: 'Forgejo takes a secret and never shows it again',
      } as const
      // There is no list of a user's own secrets.
      if (scope.level === 'user') return unseen
      const response = await ask(
        { method: 'GET', path: `${below}/actions/secrets?limit=${pageSize}` },
        signal,
      )
      if ('ok' in response) return { holds: 'unknown', error: response.error }
      const names = response.answer.kind === 'answer' ? namesOf(response.answer) : undefined
      const absent = names && names.length < pageSize && !names.includes(name.toUpperCase())
      return absent ? { holds: 'another', words: 'nothing of this name' } : unseen
    },
  }
}

const pageSize = 50

/** Undefined: the answer tells nothing. */
function namesOf({ status, body }: Extract<ForgejoResponse, { kind: 'answer' }>): string[] | undefined {
  if (status !== 200) return undefined
  const rows = parseJson(body)
  if (!Array.isArray(rows)) return undefined
  return rows.map((row: unknown) => (isObject(row) && 'name' in row ? String(row['name']).toUpperCase() : ''))
}

function pathOf(scope: SecretScope): string {
  switch (scope.level) {
    case 'repository':
      return `/repos/${encodeURIComponent(scope.owner)}/${encodeURIComponent(scope.repository)}`
    case 'organisation':
      return `/orgs/${encodeURIComponent(scope.organisation)}`
    case 'user':
      return '/user'
  }
}

function scopeText(scope: SecretScope): string {
  switch (scope.level) {
    case 'repository':
      return `${scope.owner}/${scope.repository}`
    case 'organisation':
      return `organisation ${scope.organisation}`
    case 'user':
      return "the token's own user"
  }
}

/** https://forgejo.org/docs/latest/user/token-scope/ */
const permission = { repository: 'write:repository', organisation: 'write:organization', user: 'write:user' }

function reachedResult(base: string): SinkResult {
  const { protocol, hostname } = new URL(base)
  const inside = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname)
  return protocol === 'https:' || inside
    ? done
    : { ok: true, note: `The key goes to ${hostname} without encryption; forgejo.url is not https.` }
}

function refusalOf(
  answer: ForgejoResponse,
  base: string,
  scope: SecretScope,
  secret: SinkSecret | undefined,
): Extract<SinkResult, { ok: false }> {
  const { host } = new URL(base)
  switch (answer.kind) {
    case 'cancelled':
      return cancelled
    case 'too-slow':
      return refused('sink-too-slow', `Forgejo at ${host} does not answer.`)
    case 'none':
      return refused('sink-unreachable', `Forgejo at ${host} cannot be reached: ${answer.reason}.`)
    case 'answer':
      return refused(...refusedBy(answer, host, scope), maskedTail(messageOf(answer.body), secret))
  }
}

function refusedBy(
  { status, location }: Extract<ForgejoResponse, { kind: 'answer' }>,
  host: string,
  scope: SecretScope,
): [code: string, words: string] {
  if (status >= 300 && status < 400)
    return [
      'sink-redirected',
      `Forgejo at ${host} sends elsewhere${targetOf(location)}; it was not followed. Correct forgejo.url.`,
    ]
  switch (status) {
    case 401:
      return [
        'sink-denied',
        `Forgejo at ${host} does not know the token. Give another: zotbar keys forgejo-token`,
      ]
    case 403:
      return [
        'sink-denied',
        `The token for Forgejo may not do this. It needs ${permission[scope.level]}, and its user must administer ${scopeText(scope)}.`,
      ]
    case 404:
      return ['sink-missing', `Forgejo at ${host} has no ${scopeText(scope)}, or the token may not see it.`]
    case 400:
    case 422:
      return ['sink-refused', `Forgejo at ${host} does not accept the name or the value (${status}).`]
    case 429:
      return ['sink-busy', `Forgejo at ${host} was asked too often. Try again later.`]
    default:
      return ['sink-refused', `Forgejo at ${host} answers ${status}.`]
  }
}

function targetOf(location: string | undefined): string {
  if (location === undefined || !URL.canParse(location)) return ''
  return `, to ${new URL(location).origin}`
}

/** The server's own words, where it has some; a page of HTML is none. */
function messageOf(body: string): string {
  const answer = parseJson(body)
  const message = isObject(answer) ? answer['message'] : undefined
  return typeof message === 'string' ? message : ''
}
