import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, type Socket } from 'node:net'
import { forwardedOf } from './forwarded.ts'

/** Who asks, as far as limits and failed sign-ins are concerned. */
export interface Client {
  /** As it came; an IPv4 address in IPv6 as the former. */
  readonly address: string
  /**
   * An IPv4 address, or the first 64 bits of an IPv6 address: one subscriber has at least so many of those. Of an
   * exempt one the address.
   */
  readonly key: string
  /** This computer and trusted proxies: only what holds for all together holds for them. */
  readonly isExempt: boolean
}

export interface Clients {
  ofSocket(socket: Socket): Client
  /** Who a trusted proxy says that asked it, see `forwardedOf`; who is connected otherwise. */
  of(req: IncomingMessage): Client
  /**
   * Whether the key of a client is that of this computer or of a trusted proxy: nobody knows how many ask from there.
   */
  isShared(key: string): boolean
}

export type TrustedProxies =
  | { readonly ok: true; readonly proxies: readonly string[] }
  | { readonly ok: false; readonly message: string }

/** The computer itself. Other addresses of 127.0.0.0/8 are clients like any other. */
const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1'])
const variable = 'ZOTBAR_TRUSTED_PROXIES'

/**
 * config.json belongs to zot, whose loader refuses keys it does not know, so the proxies come from the
 * environment: ZOTBAR_TRUSTED_PROXIES, addresses and networks (`10.0.0.0/8`) with commas between them.
 */
export function trustedProxiesOf(environment: Readonly<Record<string, string | undefined>>): TrustedProxies {
  const proxies = (environment[variable] ?? '').split(/[\s,]+/).filter(one => one !== '')
  const wrong = proxies.find(one => !isNetwork(one))
  if (wrong === undefined) return { ok: true, proxies }
  const message = `${variable}: ${JSON.stringify(wrong.slice(0, 100))} is no address and no network such as 10.0.0.0/8`
  return { ok: false, message }
}

/** Whether a text is an IP address, or a network as in `10.0.0.0/8`. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || address.includes('%')) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

/** @param trusted addresses and networks of proxies, see `isNetwork`; this computer is always one. */
export function createClients(trusted: readonly string[] = []): Clients {
  const networks = new BlockList()
  for (const one of trusted) {
    const [address = '', bits] = one.split('/')
    const family = isIP(address) === 4 ? 'ipv4' : 'ipv6'
    if (bits === undefined) networks.addAddress(address, family)
    else networks.addSubnet(address, Number(bits), family)
  }
  const isTrusted = (address: string): boolean =>
    loopback.has(address) || networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  const clientOf = (address: string): Client =>
    isTrusted(address)
      ? { address, key: address, isExempt: true }
      : { address, key: keyOf(address), isExempt: false }

  const known = new WeakMap<Socket, Client>()
  const ofSocket = (socket: Socket): Client => {
    let client = known.get(socket)
    if (!client) {
      const address = addressOf(socket.remoteAddress ?? '')
      client = address === undefined ? { address: '', key: '', isExempt: false } : clientOf(address)
      known.set(socket, client)
    }
    return client
  }
  return {
    ofSocket,
    isShared: key => isIP(key) !== 0 && isTrusted(key),
    of(req) {
      const client = ofSocket(req.socket)
      const said = client.isExempt ? forwardedOf(req.headers) : undefined
      if (said === undefined) return client
      let found: string | undefined
      for (const hop of said.hops.toReversed()) {
        const address = addressOf(hop)
        // Only what a trusted proxy wrote is believed, and what it wrote may say nothing.
        if (address === undefined) break
        found = address
        if (!isTrusted(address)) break
      }
      return found === undefined ? client : clientOf(found)
    },
  }
}

/** Of `1.2.3.4`, `1.2.3.4:5678`, `::1`, `[::1]:5678` or `fe80::1%eth0` the address alone, an IPv4 one as such. */
export function addressOf(text: string): string | undefined {
  const bare = text.trim().replace(/^\[([^\]]*)\](:\d+)?$|^([\d.]+):\d+$/, '$1$3')
  const address = bare.replace(/%.*$/s, '').toLowerCase()
  if (isIP(address) === 0) return undefined
  const groups = isIP(address) === 6 ? groupsOf(address) : []
  const isMapped = groups.length === 8 && groups.slice(0, 5).every(one => one === 0) && groups[5] === 0xffff
  if (!isMapped) return address
  return groups
    .slice(6)
    .flatMap(one => [one >> 8, one & 255])
    .join('.')
}

function keyOf(address: string): string {
  if (isIP(address) !== 6) return address
  return `${groupsOf(address)
    .slice(0, 4)
    .map(one => one.toString(16))
    .join(':')}::/64`
}

/** The eight numbers of an IPv6 address. */
function groupsOf(address: string): number[] {
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...bytes: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = bytes.slice(0, 4).map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
  const [head = '', tail] = text.split('::')
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map(one => Number.parseInt(one, 16))
  const before = read(head)
  const after = tail === undefined ? [] : read(tail)
  return [...before, ...Array<number>(Math.max(0, 8 - before.length - after.length)).fill(0), ...after]
}
