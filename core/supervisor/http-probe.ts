import { errorCode } from '../../lib/error-code.ts'
import { registryRequest } from '../../lib/node-http.ts'

/**
 * What came of one GET: the status code; `cut`: a connection that was ended without an answer, or something that is no
 * HTTP; `refused`: nobody took the connection; `unasked`: this process or machine could not ask; undefined: silence.
 */
export type ProbeAnswer = number | 'cut' | 'refused' | 'unasked' | undefined

/** One GET, within `limitMs`. Never rejects. */
export type Probe = (url: string, limitMs: number) => Promise<ProbeAnswer>

/** Says nothing about the other side: no descriptor or port was left here, or no way leads there now. */
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

/** A connection of its own each time: a kept one would say nothing about new clients. */
export const probeHttp: Probe = (url, limitMs) =>
  new Promise<ProbeAnswer>((resolve, reject) => {
    const request = registryRequest(url, { agent: false, headers: { 'user-agent': 'zotbar' } })
    const timer = setTimeout(() => done(undefined), limitMs)
    function done(probed: ProbeAnswer) {
      clearTimeout(timer)
      resolve(probed)
      if (typeof probed !== 'number') request.destroy()
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
  }).catch(probedBy)

function probedBy(error: unknown): ProbeAnswer {
  const code = errorCode(error)
  if (code === 'ETIMEDOUT') return undefined
  if (code === 'ECONNREFUSED') return 'refused'
  return code !== undefined && localFaults.has(code) ? 'unasked' : 'cut'
}
