import type { Snapshot } from '../snapshot.ts'

/** An address of the registry, in the two forms that people use. */
interface ShownAddress {
  /** Without a trailing slash: "http://192.0.2.7:5050". */
  url: string
  /** What stands before the name of an image, and what an auth file has: "192.0.2.7:5050", "[::1]:5050". */
  name: string
}

/** Where people reach the registry. */
interface GivenAddress extends ShownAddress {
  /** Where the machine of the registry itself reaches it, where that is another address. */
  local?: ShownAddress
  /** What people have to know before they use it, one sentence. */
  warning?: string
}

/** The address that people are given: `http.externalUrl`, or one that works from where they are. */
export function givenAddress({ registry }: Pick<Snapshot, 'registry'>): GivenAddress {
  const { url, publicUrl, inClear } = registry
  const given = shown(publicUrl ?? url)
  return {
    ...given,
    ...(given.name === clientName(url) ? {} : { local: shown(url) }),
    ...(inClear
      ? { warning: `Passwords and keys cross the network in clear on the way to ${given.name}.` }
      : {}),
  }
}

const shown = (url: string): ShownAddress => ({ url, name: clientName(url) })

/**
 * HOST[:PORT] of an address, as clients look it up: no scheme, no user, no path, in lower case. "" where it names no host.
 */
export function clientName(address: string): string {
  const [, authority = ''] = /^\s*(?:https?:\/\/)?(?:[^/?#]*@)?([^/?#\s]*)/i.exec(address) ?? []
  return /^(https?)?:?$/i.test(authority) ? '' : authority.toLowerCase()
}

/** "this Mac" where the core runs on one. */
export const thisMachine = ({ app }: { app: Pick<Snapshot['app'], 'platform'> }): string =>
  app.platform === 'darwin' ? 'this Mac' : 'this machine'
