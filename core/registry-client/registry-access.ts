import { clientName } from '../../contract/messages/address-message.ts'
import type { Clock } from '../../lib/clock.ts'
import { withDeadline } from '../../lib/with-deadline.ts'
import { type AdminClient, adminClient } from '../platform/admin-client.ts'
import type { SetAside } from '../platform/json-file.ts'
import { type RegistryHttp, registryHttp } from '../platform/registry-http.ts'
import { type Admin, type Credential, createAdmin, type SecretStore } from './admin.ts'
import type { UnrevealedKey } from './fresh-keys.ts'
import { createImages, type Images } from './images/images.ts'
import { createKeys, type Keys } from './keys.ts'

/** What config.json names of the registry. */
interface RegistryTarget {
  url: string
  externalUrl?: string | undefined
  htpasswd?: string | undefined
  dataFolder: string
  isCached(repository: string): boolean
}

export interface RegistryAccessOptions {
  home: string
  configFile: string
  engine(): string
  secrets: SecretStore
  clock: Clock
  /** The registry's administration socket. */
  adminSocket: string
  target(): RegistryTarget | undefined
  /** What people are given instead of its url. */
  publicUrl(): string | undefined
  /** Where it answers now, without a trailing slash; undefined while it does not serve. */
  url(): string | undefined
  report(setAside: SetAside): void
  onChange(): void
  unrevealed: readonly UnrevealedKey[]
  /** What keeps a new key from doing what it is for. */
  keyWarnings: Parameters<typeof createKeys>[0]['warnings']
}

/** What the core does in the registry itself, beside keeping it up. */
export interface RegistryAccess {
  images: Images
  keys: Keys
  admin: Admin
  /** The core's own requests to the registry. */
  registry: RegistryHttp
  /** As "Basic ..."; undefined where the core has no account there. */
  authorization(): Promise<string | undefined>
  /** The same for a round that must go on: without an account while the keychain has not answered, and `whyNone` says so. */
  soon: { authorization(): Promise<string | undefined>; whyNone(): string | undefined }
  close(): void
}

/** An open keychain answers within milliseconds. */
const soonMs = 1_000

/** Wires images, keys and the admin to the registry that runs. */
export function createRegistryAccess(options: RegistryAccessOptions): RegistryAccess {
  const { home, configFile, engine, secrets, clock, adminSocket, target, url, report } = options
  const admin = createAdmin({
    home,
    secrets,
    report,
    now: clock.now,
    registry() {
      const htpasswd = target()?.htpasswd
      return { configFile, ...(htpasswd === undefined ? {} : { htpasswd }) }
    },
  })
  const credential = (): Promise<Credential | undefined> => admin.credential()
  const registry = registryHttp({ url, credential })
  let waiting = 0
  async function authorization(): Promise<string | undefined> {
    const known = await credential()
    return known && `Basic ${Buffer.from(`${known.user}:${known.password}`).toString('base64')}`
  }
  const socket: AdminClient = adminClient(adminSocket)
  /** What people and their clients use, and where this machine reaches it. */
  function addresses(): { given: string; local?: string } {
    const local = clientAddress(target())
    const given = clientName(options.publicUrl() ?? local)
    return given === local ? { given } : { given, local }
  }
  return {
    admin,
    registry,
    images: createImages({
      registry,
      admin: socket,
      ...(engine() === 'zot' ? {} : { adminSocket }),
      addresses,
      isCached: repository => target()?.isCached(repository) ?? false,
      dataFolder: () => target()?.dataFolder,
    }),
    keys: createKeys({
      admin: socket,
      registry,
      get engine() {
        return engine()
      },
      serves: () => url() !== undefined,
      credential,
      refusal: admin.refusal,
      clock,
      address: () => addresses().given,
      warnings: options.keyWarnings,
      onChange: options.onChange,
      unrevealed: options.unrevealed,
    }),
    authorization,
    soon: {
      async authorization() {
        let known: string | undefined
        waiting += 1
        const answer = authorization()
          .then(value => {
            known = value
          })
          .finally(() => {
            waiting -= 1
          })
        await withDeadline(clock, soonMs, answer)
        return known
      },
      whyNone() {
        if (waiting > 0) return 'waits for the keychain'
        return admin.refusal() && 'needs a sign-in, and the keychain does not give the password'
      },
    },
    close: () => registry.close(),
  }
}

/** What clients look up: the name of `http.externalUrl`, or where this machine reaches it. */
const clientAddress = (target: RegistryTarget | undefined): string => clientName(addressOf(target))

/**
 * The name that managed keys are stored under. None of the addresses that the network gives to this machine, because those
 * change; and as it is written in config.json, because the keys of earlier homes are stored so.
 */
export const keyRegistryName = (target: Address | undefined): string =>
  addressOf(target)
    .replace(/^https?:\/\//, '')
    .replace(/\/$/, '')

type Address = Pick<RegistryTarget, 'url' | 'externalUrl'>

const addressOf = (target: Address | undefined): string =>
  target?.externalUrl ?? target?.url ?? 'http://127.0.0.1:5050'
