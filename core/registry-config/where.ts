import { pinCertificate } from '../../lib/pinned-certificate.ts'
import { type Address, addressIn } from './config-address.ts'
import { readTarget, type Target } from './preflight.ts'

/** Where the registry is, as config.json says. */
export interface Where {
  /** From the newest config.json that was good. */
  target(): Target | undefined
  /** Where it would answer, as far as a faulty config.json tells; only while there was no good one. */
  guess(): Address | undefined
  /** Where people sign in, and the certificate that it shows there. */
  signIn(): (NonNullable<Target['signIn']> & { certificate?: string }) | undefined
  is(target: Target): void
  /** config.json is faulty now. */
  isFaulty(): Promise<void>
  /** Whether the images are in other folders than before. */
  movesTo(target: Target): boolean
}

export async function findOutWhere(configFile: string, engine: 'zotbar-registry' | 'zot'): Promise<Where> {
  let target: Target | undefined
  let guess: Address | undefined
  const where: Where = {
    target: () => target,
    guess: () => guess,
    signIn: () =>
      target?.signIn && {
        ...target.signIn,
        ...(target.certificate === undefined ? {} : { certificate: target.certificate }),
      },
    is(next) {
      target = next
      if (next.certificate !== undefined) pinCertificate(next.url, next.certificate)
    },
    async isFaulty() {
      if (!target) guess = await addressIn(configFile)
    },
    movesTo: next => folders(next) !== folders(target),
  }
  const first = await readTarget(configFile, engine)
  if (first.ok) where.is(first.value)
  else await where.isFaulty()
  return where
}

const folders = (target: Target | undefined): string =>
  JSON.stringify([target?.dataFolder, target?.subFolders])
