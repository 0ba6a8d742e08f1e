import type { IncomingMessage } from 'node:http'
import { errorCode } from '../../lib/error-code.ts'
import { isObject, parseJson } from '../../lib/json.ts'
import { request } from '../../lib/node-http.ts'

/** What the public address answered: to `/v2/`, and whether it lists repositories. */
export interface PublicAnswer {
  answers: boolean
  /** `hidden`: it wants a credential that the app does not have there. */
  lists: 'yes' | 'no' | 'hidden'
  /** Half a sentence; why it does not. */
  reason?: string
}

interface Options {
  /** `externalUrl`, without a trailing slash. */
  url: string
  /** "Basic ..."; sent over https only. */
  authorization?: string | undefined
  timeoutMs?: number
}

/** Asks as a client from outside would, through whatever stands before the registry. Never throws. */
export async function askPublicUrl({
  url,
  authorization,
  timeoutMs: limitMs = 10_000,
}: Options): Promise<PublicAnswer> {
  const known = url.startsWith('https:') ? authorization : undefined
  const get = async (path: string): Promise<ResponseText> => {
    const got = await ask(`${url}${path}`, known, limitMs)
    // What is open to everybody may be refused to a user whom only this computer knows.
    return got.status === 401 && known !== undefined ? ask(`${url}${path}`, undefined, limitMs) : got
  }
  const root = await get('/v2/')
  if (root.status !== 200 && root.status !== 401)
    return { answers: false, lists: 'no', reason: root.reason ?? `/v2/ is answered with ${root.status}` }
  const catalog = await get('/v2/_catalog?n=1')
  if (catalog.status === 401 || catalog.status === 403) return { answers: true, lists: 'hidden' }
  if (catalog.status === 200 && isCatalog(catalog.body)) return { answers: true, lists: 'yes' }
  const reason = catalog.reason ?? `the list of repositories is answered with ${catalog.status}`
  return { answers: true, lists: 'no', reason }
}

interface ResponseText {
  status: number
  body: string
  reason?: string
}

const maxBytes = 1024 * 1024

function ask(url: string, authorization: string | undefined, limitMs: number): Promise<ResponseText> {
  return new Promise(resolve => {
    const failed = (error: Error): void => resolve({ status: 0, body: '', reason: reasonFor(error, limitMs) })
    try {
      const options = {
        signal: AbortSignal.timeout(limitMs),
        headers: { 'user-agent': 'zotbar', ...(authorization === undefined ? {} : { authorization }) },
      }
      const secure = url.startsWith('https:')
      const outgoing = secure
        ? process.getBuiltinModule('node:https').request(url, { ...options, ca: authorities(), agent: false })
        : request(url, { ...options, agent: false })
      outgoing.on('error', failed)
      outgoing.on('response', (response: IncomingMessage) => {
        let body = ''
        response.setEncoding('utf8').on('data', (text: string) => {
          if (body.length < maxBytes) body += text
        })
        response.on('error', failed)
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      })
      outgoing.end()
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

/** Those of Node and NODE_EXTRA_CA_CERTS, and the computer's own: a local authority is usually known there alone. */
function authorities(): string[] {
  const tls = process.getBuiltinModule('node:tls')
  return [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])]
}

function isCatalog(text: string): boolean {
  const read = parseJson(text)
  return isObject(read) && Array.isArray(read['repositories'])
}

function reasonFor(error: Error, limitMs: number): string {
  if (error.name === 'TimeoutError' || error.name === 'AbortError')
    return `it said nothing for ${Math.round(limitMs / 1000)} s`
  const code = errorCode(error)
  if (code === 'ECONNREFUSED') return 'the connection is refused'
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'its name is not known'
  return `the connection broke (${code ?? error.message})`
}
