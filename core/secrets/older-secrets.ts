import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { homeFormat, readHomeFile, writeHomeFile } from '../../lib/home-format.ts'
import { isObject } from '../../lib/json.ts'
import { type Keychain, keychainService as service } from '../../lib/keychain.ts'
import { serialQueue } from '../../lib/serial-queue.ts'
import { writeSecret } from './keychain.ts'
import { keychainFailure, type SystemKeychain } from './system-keychain.ts'

/**
 * Secrets that an older Zotbar stored, whose Electron was another program: macOS lets only the program that made an item
 * read it unasked. The app reads them once, and the core stores them anew as its own.
 */
export interface OlderSecrets {
  handlers: ZotbarHandlers['secrets']
  /** Ends what a kill interrupted. Nothing may wait for it, as it asks the keychain. */
  recover(): Promise<Result<null>>
}

interface Options {
  home: string
  keychain: SystemKeychain
  /** Every account of this home that may be in the keychain. */
  accounts(): Promise<readonly string[]>
  log(message: string, data?: Record<string, unknown>): void
}

/** Which secrets in the keychain are the core's own: those of these accounts, or all. `moving` is being stored anew. */
interface Owned {
  accounts: readonly string[] | 'all'
  moving?: string
}

/** Where a secret is while its item is made anew. */
const spareOf = (account: string): string => `taken-over/${account}`

export function createOlderSecrets({ home, keychain, accounts, log }: Options): OlderSecrets {
  /** Two apps may hand over at once. */
  const queue = serialQueue()

  async function listed(): Promise<string[]> {
    const owned = await readOwned(home)
    if (owned.accounts === 'all') return []
    const ours = new Set(owned.accounts)
    return [...new Set(await accounts())].filter(account => !ours.has(account))
  }

  async function recover(): Promise<Result<null>> {
    const { moving, ...owned } = await readOwned(home)
    if (moving === undefined) return ok(null)
    const recovered = await keychain.use(all => restore(all, moving))
    if (recovered.ok) await writeOwned(home, owned)
    return recovered
  }

  async function takeOne(account: string, secret: string): Promise<Result<null>> {
    const owned = await readOwned(home)
    const note = (next: Owned): Promise<Result<null>> =>
      onHome(home, async () => {
        await writeOwned(home, next)
        return ok(null)
      })
    return keychain.use(async all => {
      // The core has stored another one since the app read it.
      if (keychain.hasWritten(account)) return ok(null)
      const spare = await writeSecret(all, spareOf(account), secret)
      const noted = spare.ok ? await note({ ...owned, moving: account }) : spare
      if (!noted.ok) return noted
      // A new item, because an old one stays its maker's whoever changes it.
      const made = await attempt(async () => {
        await all.deletePassword(service, account)
        return writeSecret(all, account, secret)
      })
      const restored = await attempt(() => restore(all, account))
      if (!restored.ok) return restored
      const ended = await note(owned)
      return ended.ok && !keychain.hasWritten(account) ? made : ended
    })
  }

  async function takeOver(items: readonly { account: string; secret: string | null }[]): Promise<TakenOver> {
    const taken: string[] = []
    const failed: { account: string; error: Failure }[] = []
    const known = new Set(await listed())
    /** One that could not be put back: it comes before the others. */
    let stuck = await recover()
    for (const { account, secret } of items.filter(item => known.has(item.account))) {
      const moved = !stuck.ok || secret === null ? stuck : await takeOne(account, secret)
      if (moved.ok) taken.push(account)
      else {
        failed.push({ account, error: moved.error })
        if ((await readOwned(home)).moving !== undefined) stuck = moved
      }
    }
    const owned = await readOwned(home)
    const { accounts: before } = owned
    if (before !== 'all') await writeOwned(home, { ...owned, accounts: [...before, ...taken] })
    // What the core makes from now on is its own.
    if ((await listed()).length === 0) await writeOwned(home, { ...owned, accounts: 'all' })
    log('secrets of an older Zotbar were taken over', { taken: taken.length, failed: failed.length })
    return { taken, failed }
  }

  return {
    handlers: {
      olderApp: () => onHome(home, async () => ok({ accounts: await listed() })),
      takeOver: ({ items }) => queue.run(() => onHome(home, async () => ok(await takeOver(items)))),
    },
    recover: () => queue.run(() => onHome(home, recover)),
  }
}

interface TakenOver {
  taken: string[]
  failed: { account: string; error: Failure }[]
}

async function onHome<T>(home: string, work: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await work()
  } catch (error) {
    return fail({ code: 'home-unusable', path: join(home, 'home.json'), reason: reasonOf(error) })
  }
}

async function attempt(work: () => Promise<Result<null>>): Promise<Result<null>> {
  try {
    return await work()
  } catch (error) {
    return fail(keychainFailure(error))
  }
}

/** The account as its spare has it, where it has nothing itself; then the spare goes. */
async function restore(keychain: Keychain, account: string): Promise<Result<null>> {
  const spare = await keychain.getPassword(service, spareOf(account))
  if (spare === null) return ok(null)
  if ((await keychain.getPassword(service, account)) === null) {
    const written = await writeSecret(keychain, account, spare)
    if (!written.ok) return written
  }
  await keychain.deletePassword(service, spareOf(account))
  return ok(null)
}

/**
 * A home that stores no secret yet: all that come are the core's own. To be called before a first run. Where it cannot be
 * written down, an app may ask once for nothing.
 */
export async function ownNewSecrets(
  home: string,
  failed: (message: string, data: Record<string, unknown>) => void,
): Promise<void> {
  try {
    const isOld = ['admin.json', join('secrets', 'place.json')].some(name => existsSync(join(home, name)))
    if (!isOld && (await readOwned(home)).accounts !== 'all') await writeOwned(home, { accounts: 'all' })
  } catch (error) {
    failed('whose secrets these are could not be written down', { reason: reasonOf(error) })
  }
}

/** Part of home.json: `secrets: "core"`, or which accounts are. */
async function readOwned(home: string): Promise<Owned> {
  const read = await readHomeFile(home)
  const fact = read.kind === 'read' ? read.file['secrets'] : undefined
  if (fact === 'core') return { accounts: 'all' }
  if (!isObject(fact)) return { accounts: [] }
  const { core, moving } = fact
  return {
    accounts: Array.isArray(core) ? core.filter(account => typeof account === 'string') : [],
    ...(typeof moving === 'string' ? { moving } : {}),
  }
}

async function writeOwned(home: string, { accounts, moving }: Owned): Promise<void> {
  const read = await readHomeFile(home)
  const file = read.kind === 'read' ? read.file : { format: homeFormat }
  const part = { core: accounts, ...(moving === undefined ? {} : { moving }) }
  await writeHomeFile(home, { ...file, secrets: accounts === 'all' ? 'core' : part })
}
