import type { IncomingHttpHeaders } from 'node:http'

/** What the nearest proxy says of a request. Worth something only where that proxy is trusted. */
export interface Forwarded {
  /** Who asked whom, the nearest last; as it came. */
  readonly hops: readonly string[]
  /** The Host that the proxy was asked for: `HOST[:PORT]` as it came. */
  readonly host: string | undefined
  readonly scheme: 'http' | 'https' | undefined
}

/** More hops than any chain of proxies has. */
const maxHops = 32
const nothing: Forwarded = { hops: [], host: undefined, scheme: undefined }

/**
 * Reads X-Forwarded-For, -Host and -Proto; only where none of them came, Forwarded (RFC 7239): a proxy writes the one
 * or the other, and passes on what a client wrote into the other. Of several values the last one is the proxy's own.
 * Undefined: no proxy says anything.
 */
export function forwardedOf(headers: IncomingHttpHeaders): Forwarded | undefined {
  const {
    'x-forwarded-for': hops,
    'x-forwarded-host': host,
    'x-forwarded-proto': scheme,
    forwarded,
  } = headers
  if (hops === undefined && host === undefined && scheme === undefined)
    return forwarded === undefined ? undefined : readForwarded(forwarded)
  return {
    hops: hops === undefined ? [] : lastOnes(String(hops)),
    host: lastOf(host),
    scheme: schemeOf(lastOf(scheme)),
  }
}

const lastOnes = (text: string): string[] => text.split(',').slice(-maxHops)

const lastOf = (value: string | readonly string[] | undefined): string | undefined =>
  value === undefined ? undefined : String(value).split(',').at(-1)?.trim()

function schemeOf(text: string | undefined): Forwarded['scheme'] {
  const scheme = text?.toLowerCase()
  return scheme === 'http' || scheme === 'https' ? scheme : undefined
}

/** One `name=value` of an element, the value a token or quoted. https://www.rfc-editor.org/rfc/rfc7239#section-4 */
const pair = /^\s*([\w!#$%&'*+.^`|~-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s";,]+))\s*$/

function readForwarded(text: string): Forwarded {
  // A quoted comma or semicolon stands in no address, host or scheme: an element with one says nothing.
  const elements = lastOnes(text).map(element => {
    const values = new Map<string, string>()
    for (const part of element.split(';')) {
      const [, name = '', quoted, plain] = pair.exec(part) ?? []
      if (name !== '') values.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '')
    }
    return values
  })
  const last = elements.at(-1)
  if (last === undefined) return nothing
  return {
    hops: elements.map(values => values.get('for') ?? ''),
    host: last.get('host'),
    scheme: schemeOf(last.get('proto')),
  }
}
