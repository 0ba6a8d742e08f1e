/** One `http.address`, understood. It says where to listen; where to go to follows from it. */
export interface ListenAddress {
  /** To listen at, in Node's form: an IPv6 address without brackets; "" is every address. */
  listen: string
  /** Where this machine reaches it, as it stands in a URL: an IPv6 address in brackets. */
  host: string
}

/** What stands for every address of the machine, as URLs write it. */
const wildcards = ['', '0.0.0.0', '[::]', '[::ffff:0:0]']
/** Reaches each of them: "::" takes IPv4 too in both engines, and ::1 is missing where IPv6 is switched off. */
const everywhere = '127.0.0.1'

/**
 * Reads an `http.address`: a name, an IPv4 or IPv6 address, the latter with brackets or without; "" is every address.
 * Undefined for what can stand in no URL, so that no client could go there: a zone ("fe80::1%eth0"), a port, a mistake.
 */
export function readListenAddress(text: string): ListenAddress | undefined {
  const bare = withoutBrackets(text)
  const host = bare === '' ? '' : hostInUrl(bare.includes(':') ? `[${bare}]` : bare)
  if (host === undefined) return undefined
  return {
    listen: withoutBrackets(host),
    host: wildcards.includes(host) ? everywhere : (mapped(host) ?? host),
  }
}

/** Whether it stands for every address of the machine; `ipv4`: for every one of IPv4 alone. */
export function wildcardOf(text: string): 'ipv4' | 'all' | undefined {
  const host = readListenAddress(text)?.listen
  if (host === '' || host === '::') return 'all'
  return host === '0.0.0.0' || host === '::ffff:0:0' ? 'ipv4' : undefined
}

/** `::1` for `[::1]`; anything else as it is. */
export const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1')

/** Whether an address of IPv6 lacks the brackets that zot needs, as it joins address and port by text. */
export const lacksBrackets = (text: string): boolean => text.includes(':') && !text.startsWith('[')

/** Whether only this machine reaches it. */
export function isLoopback(text: string): boolean {
  const read = readListenAddress(text)
  if (read === undefined || wildcardOf(text) !== undefined) return false
  return read.host === 'localhost' || read.host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(read.host)
}

/** As the URL standard writes it: addresses in their shortest form, names in lower case. */
function hostInUrl(host: string): string | undefined {
  if (!/^(\[[\da-f:.]+\]|[\w.-]+)$/i.test(host) || !URL.canParse(`http://${host}:1`)) return undefined
  const { hostname } = new URL(`http://${host}:1`)
  return hostname === '' ? undefined : hostname
}

/** An IPv4 address written as IPv6 is reached, and listed by the system, as what it is. */
function mapped(host: string): string | undefined {
  const found = /^\[::ffff:([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(host)
  if (found === null) return undefined
  const numbers = [found[1], found[2]].map(group => Number.parseInt(group ?? '', 16))
  return numbers.flatMap(number => [number >> 8, number & 255]).join('.')
}
