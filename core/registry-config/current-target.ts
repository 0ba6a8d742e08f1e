import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { pinCertificate } from '../../lib/pinned-certificate.ts'
import { mostOf } from '../../registry/config/anonymous-rights.ts'
import { isLoopback, readListenAddress } from '../../registry/config/listen-address.ts'
import type { Interfaces } from './machine-address.ts'
import { readTarget, type Target } from './preflight.ts'
import { isInClear, publicUrlOf } from './public-url.ts'

/** What config.json says of the registry, as of the last time that it was taken up. */
export interface CurrentTarget {
  /** From the newest config.json that was good. */
  target(): Target | undefined
  /** Where it would answer, as far as a faulty config.json says; only while there was no good one. */
  guess(): Address | undefined
  /**
   * What people are given instead of `url`, as of now: addresses of a machine change. Undefined where there is nothing
   * better. `inClear`: whether what they sign in with crosses the network unencrypted. `open`: the most that everybody
   * may do who reaches it from another machine; reading beside a way to sign in is usual, and not said.
   */
  givenTo(): { publicUrl: string | undefined; inClear: boolean; open: 'push' | 'pull' | undefined }
  /** Where people sign in, and the certificate that is shown there. */
  signIn(): (NonNullable<Target['signIn']> & { certificate?: string }) | undefined
  /** From now on it is this one; answers whether the images are in other folders than before. */
  use(target: Target): { isMoved: boolean }
  /**
   * What serves has taken this one over while it runs: of what it says only the rights of everybody count at once, and
   * whether there is a way to sign in does not. Answers whether they are others now.
   */
  reloaded(target: Target): boolean
  /** config.json is faulty now. */
  isFaulty(): Promise<void>
}

export interface Address {
  url: string
  host: string
  port: number
}

/** Reads config.json for the first time. */
export async function openCurrentTarget(
  configFile: string,
  engine: 'zotbar-registry' | 'zot',
  interfaces: () => Interfaces = networkInterfaces,
): Promise<CurrentTarget> {
  let target: Target | undefined
  let guess: Address | undefined
  const current: CurrentTarget = {
    target: () => target,
    guess: () => guess,
    givenTo() {
      const publicUrl = target && publicUrlOf(target, interfaces())
      const most = target && !isLoopback(target.listen) ? mostOf(target.rights) : undefined
      return {
        publicUrl,
        inClear: target !== undefined && isInClear(target, publicUrl),
        open: most === 'pull' && target?.openAt === undefined ? undefined : most,
      }
    },
    signIn: () =>
      target?.signIn && {
        ...target.signIn,
        ...(target.certificate === undefined ? {} : { certificate: target.certificate }),
      },
    use(next) {
      const isMoved = foldersOf(next) !== foldersOf(target)
      target = next
      if (next.certificate !== undefined) pinCertificate(next.url, next.certificate)
      return { isMoved }
    },
    reloaded({ rights, openAt }) {
      if (!target || (openAt === undefined) !== (target.openAt === undefined)) return false
      const isOther = JSON.stringify(rights) !== JSON.stringify(target.rights)
      if (isOther) target = { ...target, rights }
      return isOther
    },
    async isFaulty() {
      if (!target) guess = readAddress(await readFile(configFile, 'utf8').catch(() => ''))
    },
  }
  const first = await readTarget(configFile, engine)
  if (first.ok) current.use(first.value)
  else await current.isFaulty()
  return current
}

const foldersOf = (target: Target | undefined): string =>
  JSON.stringify([target?.dataFolder, target?.subFolders])

/**
 * Where a registry would answer, from what can still be read of a config with mistakes in it, JSON or YAML: the
 * port, the address and whether there is TLS. Undefined without a port that could be one.
 */
export function readAddress(text: string): Address | undefined {
  const section = /(?:"http"\s*:\s*\{|^http:[ \t]*(?:\{|\r?$))([\s\S]*)/im.exec(text)?.[1] ?? ''
  const port = Number(/(?:"port"|\bport)\s*:\s*["']?(\d{1,5})\b/i.exec(section)?.[1])
  if (!(port >= 1 && port <= 65_535)) return undefined
  const named = /(?:"address"|\baddress)\s*:\s*["']?([^"'\s,}]*)/i.exec(section)?.[1] ?? ''
  const host = readListenAddress(named)?.host ?? '127.0.0.1'
  const scheme = /"tls"\s*:\s*\{|^\s+tls:/im.test(section) ? 'https' : 'http'
  return { url: `${scheme}://${host}:${port}`, host, port }
}
