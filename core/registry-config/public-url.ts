import { clientName } from '../../contract/messages/address-message.ts'
import { isLoopback, wildcardOf } from '../../registry/config/listen-address.ts'
import { type Interfaces, machineAddress } from './machine-address.ts'
import type { Target } from './preflight.ts'

type Address = Pick<Target, 'url' | 'listen' | 'port' | 'externalUrl'>

/**
 * What people are given instead of `url`: `http.externalUrl`, without its user and a trailing slash; for a wildcard the
 * address at which others reach this machine. Undefined where there is nothing better than `url`.
 */
export function publicUrlOf(target: Address, interfaces: Interfaces): string | undefined {
  const { externalUrl, listen, port, url } = target
  if (externalUrl !== undefined) return tidy(externalUrl)
  const wildcard = wildcardOf(listen)
  const host = wildcard && machineAddress(interfaces, wildcard === 'ipv4')
  return host && `${url.startsWith('https:') ? 'https' : 'http'}://${host}:${port}`
}

const tidy = (url: string): string =>
  url
    .trim()
    .replace(/^(https?:\/\/)?[^/?#]*@/i, '$1')
    .replace(/\/+$/, '')

/** Where clients ask for `/v2/`: whatever path `http.externalUrl` has, it is at the root of its host. */
export const registryRoot = (externalUrl: string): string =>
  `${/^http:/i.test(externalUrl.trim()) ? 'http' : 'https'}://${clientName(externalUrl)}`

/** Whether people sign in over a network on which others can read along. */
export function isInClear({ url, listen, signsIn }: Target, publicUrl: string | undefined): boolean {
  const given = publicUrl ?? url
  const isLocal = isLoopback(publicUrl === undefined ? listen : hostOf(publicUrl))
  return signsIn && /^http:/i.test(given) && !isLocal
}

const hostOf = (url: string): string => clientName(url).replace(/:\d*$/, '')
