import type { IncomingMessage } from 'node:http'
import type { Failure } from '../oci/error-table.ts'
import { isUnmet } from './expectation.ts'

/** Go's set, which is what the field may consist of. https://www.rfc-editor.org/rfc/rfc9110#section-7.2 */
const hostPattern = /^[A-Za-z0-9\-._~!$&'()*+,;=%:[\]]*$/
const absolutePattern = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i

/**
 * Checks what Node leaves unchecked, and brings an absolute target into the usual form, its authority in the place of
 * the Host header. Answers what is wrong, if anything. Runs for every request, so it makes nothing.
 * https://www.rfc-editor.org/rfc/rfc9112#section-3.2
 */
export function faultOfHead(req: IncomingMessage): Failure | undefined {
  const { rawHeaders, headers, url = '/' } = req
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  // Which one counts would depend on who reads it: a proxy may have let one through, and routed by the other.
  if (hosts > 1) return invalid('more than one Host header')
  if (headers.host !== undefined && !hostPattern.test(headers.host))
    return invalid('the Host header is no host')
  if (url.charCodeAt(0) !== 47) {
    const fault = toOriginForm(req, url)
    if (fault) return fault
  }
  return isUnmet(req) ? { name: 'expectation-failed', detail: { expect: headers.expect } } : undefined
}

/** https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2: the host of the target counts, never the header beside it. */
function toOriginForm(req: IncomingMessage, url: string): Failure | undefined {
  const match = absolutePattern.exec(url)
  if (!match) return undefined
  const [whole, scheme = '', authority = ''] = match
  const rest = url.slice(whole.length)
  // At once: an authority may have a password in it, and the log has the target of refused requests, too.
  req.url = rest.startsWith('/') ? rest : `/${rest}`
  if (!/^https?$/i.test(scheme)) return invalid('the target is of another scheme than http and https')
  if (authority === '' || !hostPattern.test(authority)) return invalid('the target has no host')
  req.headers.host = authority
  return undefined
}

const invalid = (reason: string): Failure => ({ name: 'request-invalid', detail: { reason } })
