import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { hostname } from 'node:os'
import { TLSSocket } from 'node:tls'
import { withoutBrackets } from '../config/listen-address.ts'
import { addressOf, type Clients } from './client.ts'
import { forwardedOf } from './forwarded.ts'

export interface OwnNamesOptions {
  /** http.externalUrl: who this registry is, whatever Host arrives. */
  readonly externalUrl?: string | undefined
  /** `scheme://host:port` of the listener, as this machine reaches it. */
  readonly listen: () => string
  /** Tells which connections come from trusted proxies. */
  readonly clients: Pick<Clients, 'ofSocket'>
}

/** Under which names this registry is reached. */
export interface OwnNames {
  /**
   * Whether a page that this registry served asks, by its Origin header: it is at externalUrl, or at the host that
   * the request came to. Only for routes that want credentials: a Host header is no proof of where a page came from.
   */
  isOwnOrigin(origin: string, req: IncomingMessage): boolean
  /**
   * `scheme://host[:port]` under which whoever asks reaches this registry: of externalUrl, else where the request
   * came to, if that is a name of this registry. Undefined for any other Host, which is never sent back.
   */
  ownOrigin(req: IncomingMessage): string | undefined
  /** `scheme://host[:port]` as a trusted proxy says; undefined: none does. */
  forwardedOrigin(req: IncomingMessage): string | undefined
  /** `HOST[:PORT]` that the request came to, for a page to show; undefined for what is no host. */
  cameTo(req: IncomingMessage): string | undefined
  /** Whether whoever asks came by https, here or at a trusted proxy. */
  isHttps(req: IncomingMessage): boolean
}

/** A name, an IPv4 address, or one of IPv6 in brackets; and a port. */
const hostForm = /^(\[[\da-f:.]+\]|[\w.-]+)(:\d{1,5})?$/i

/** Networks in which nobody is reached from afar; an address of them stands for a port that is passed on to here. */
const privateNetworks = new BlockList()
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  privateNetworks.addSubnet(network, bits)
privateNetworks.addAddress('::1', 'ipv6')
privateNetworks.addSubnet('fc00::', 7, 'ipv6')
privateNetworks.addSubnet('fe80::', 10, 'ipv6')

/**
 * Knows the names of this registry. An address and a name of this computer are taken as they come, because no page can
 * make them lead elsewhere; any other name only from a trusted proxy, the certificate or externalUrl.
 */
export function createOwnNames({ externalUrl, listen, clients }: OwnNamesOptions): OwnNames {
  const external = originOf(externalUrl ?? '')
  const machine = hostname().toLowerCase()
  const machineNames: ReadonlySet<string> = new Set(['localhost', machine, `${machine}.local`])
  const forwarded = (req: IncomingMessage) =>
    clients.ofSocket(req.socket).isExempt ? forwardedOf(req.headers) : undefined
  const isTls = (req: IncomingMessage): boolean => req.socket instanceof TLSSocket
  const isHttps = (req: IncomingMessage): boolean =>
    isTls(req) || (forwarded(req)?.scheme ?? 'http') === 'https'

  /** Whether a host, in lower case and without its port, can only be this registry. */
  const isOwnHost = (host: string, req: IncomingMessage): boolean => {
    if (machineNames.has(host) || new URL(listen()).hostname === host) return true
    const address = withoutBrackets(host)
    const family = isIP(address)
    if (family !== 0 && privateNetworks.check(address, family === 4 ? 'ipv4' : 'ipv6')) return true
    if (family !== 0 && addressOf(req.socket.localAddress ?? '') === address) return true
    return isCertified(req, address)
  }

  const forwardedOrigin = (req: IncomingMessage): string | undefined => {
    const said = forwarded(req)
    if (said === undefined) return undefined
    const { host = req.headers.host, scheme = isTls(req) ? 'https' : 'http' } = said
    const origin = hostOrigin(scheme, host)
    return said.host === undefined && host !== undefined && isUpstream(host, listen()) ? undefined : origin
  }

  const ownOrigin = (req: IncomingMessage): string | undefined => {
    if (external !== undefined) return external
    if (forwarded(req) !== undefined) return forwardedOrigin(req)
    const origin = hostOrigin(isTls(req) ? 'https' : 'http', req.headers.host)
    return origin !== undefined && isOwnHost(new URL(origin).hostname, req) ? origin : undefined
  }

  const cameTo = (req: IncomingMessage): string | undefined => {
    const host = forwarded(req)?.host ?? req.headers.host
    return host !== undefined && hostForm.test(host) ? host : undefined
  }

  return {
    isOwnOrigin: (origin, req) => {
      const asking = originOf(origin)
      if (asking === undefined) return false
      if (asking === external) return true
      const hosts = [forwarded(req)?.host, req.headers.host]
      return hosts.some(host => asking === hostOrigin('http', host) || asking === hostOrigin('https', host))
    },
    ownOrigin,
    forwardedOrigin,
    cameTo,
    isHttps,
  }
}

/**
 * Whether a Host is rather what a proxy calls this registry than what it was asked for: nginx and Apache send the
 * address they go to, or the bare name of a group of servers.
 */
function isUpstream(host: string, listener: string): boolean {
  const isBare = !/[.:]/.test(host) && host.toLowerCase() !== 'localhost'
  return isBare || host.endsWith(`:${new URL(listener).port}`)
}

/** Whether the certificate shown on this connection names a host: a browser comes there by no other name. */
function isCertified({ socket }: IncomingMessage, host: string): boolean {
  if (!(socket instanceof TLSSocket)) return false
  const certificate = socket.getX509Certificate()
  const names = isIP(host) === 0 ? certificate?.checkHost(host) : certificate?.checkIP(host)
  return names !== undefined
}

const hostOrigin = (scheme: string, host: string | undefined): string | undefined =>
  host !== undefined && hostForm.test(host) ? originOf(`${scheme}://${host}`) : undefined

/** Of a URL of http or https, as browsers write it. */
function originOf(url: string): string | undefined {
  if (!/^https?:\/\/[^/]/i.test(url) || !URL.canParse(url)) return undefined
  return new URL(url).origin
}
