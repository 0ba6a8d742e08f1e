import { errorCode } from '../../lib/error-code.ts'
import { registryRequest } from '../../lib/node-http.ts'

/**
 * The result of one GET: the status code; `cut`: the connection ended without an answer, or the answer was no HTTP;
 * `refused`: nobody accepted the connection; `unasked`: this process or machine could not ask; undefined: silence.
 */
export type ProbeAnswer = number | 'cut' | 'refused' | 'unasked' | undefined

/** One GET, within `limitMs`. Never rejects. */
export type Probe = (url: string, limitMs: number) => Promise<ProbeAnswer>

/** Faults of this side, which say nothing about the registry: no descriptor or port is left, or there is no route. */
const localFaults = new Set([
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENOMEM',
  'EADDRNOTAVAIL',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ERR_INVALID_URL',
])

/** Opens a new connection each time, because an open one would say nothing about new clients. */
export const probeHttp: Probe = (url, limitMs) =>
  new Promise<ProbeAnswer>((resolve, reject) => {
    const request = registryRequest(url, { agent: false, headers: { 'user-agent': 'zotbar' } })
    const timer = setTimeout(() => done(undefined), limitMs)
    function done(answer: ProbeAnswer) {
      clearTimeout(timer)
      resolve(answer)
      if (typeof answer !== 'number') request.destroy()
    }
    request.on('response', response => {
      response.on('error', () => {})
      response.resume()
      done(response.statusCode)
    })
    request.on('error', error => {
      clearTimeout(timer)
      reject(error)
    })
    request.end()
  }).catch(answerOf)

function answerOf(error: unknown): ProbeAnswer {
  const code = errorCode(error)
  if (code === 'ETIMEDOUT') return undefined
  if (code === 'ECONNREFUSED') return 'refused'
  return code !== undefined && localFaults.has(code) ? 'unasked' : 'cut'
}
