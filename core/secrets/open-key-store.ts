import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { serialQueue } from '../platform/serial-queue.ts'
import { encryptedPlace } from './encrypted-backend.ts'
import { mapFile } from './file-backend.ts'
import type { KeyOwner, KeyStore, Slot, StoreKind, Where } from './key-store.ts'
import { type KeychainOptions, keychainPlace } from './keychain.ts'
import { forgetPlace, type Place, readPlace, writePlace } from './secret-backend.ts'

export interface KeyStoreOptions extends KeychainOptions {
  home: string
  /** The setting `secrets.keyFile`: '' for none. */
  keyFile(): string
  /** The setting `secrets.plain`. */
  plain(): boolean
}

/** Opens nothing yet: the keychain is loaded when a key is first asked for. */
export function openKeyStore({ home, keyFile, plain, load, limitMs }: KeyStoreOptions): KeyStore {
  const folder = join(home, 'secrets')
  const record = join(folder, 'place.json')
  const plainFile = join(folder, 'keys.plain.json')
  let recorded: StoreKind | undefined
  /** Tried and found good, and not yet written down. */
  let chosen: StoreKind | undefined
  /** One after the other: where keys are kept is decided, and forgotten, by some of them. */
  const queue = serialQueue()

  const encrypted = encryptedPlace({ folder, keyFile, expected: () => recorded === 'encrypted-file' })
  const places: Record<StoreKind, Place> = {
    keychain: keychainPlace({ load, limitMs }),
    'encrypted-file': encrypted,
    'plain-file': mapFile({
      kind: 'plain-file',
      file: plainFile,
      expected: () => recorded === 'plain-file',
      describe: () => `${plainFile}, NOT encrypted: whoever can read this file has the keys`,
      coding: { encode: async text => ok(text), decode: async text => ok(text), probe: async () => ok(null) },
    }),
  }

  /** The place that holds the keys; before the first key: undefined. */
  async function decided(): Promise<Result<Place | undefined>> {
    if (recorded === undefined) {
      const read = await readPlace(record)
      if (!read.ok) return read
      recorded = read.value
    }
    if (recorded !== undefined) return ok(places[recorded])
    // A file counts although a kill kept it from being written down.
    if (existsSync(join(folder, 'keys.enc'))) return ok(encrypted)
    if (existsSync(plainFile)) return ok(places['plain-file'])
    return ok(undefined)
  }

  /** Where the first key is to go. A key file was named on purpose, so it comes first; the plain file comes last. */
  async function choose(): Promise<Result<Place>> {
    if (chosen !== undefined) return ok(places[chosen])
    if (keyFile() !== '') return take(encrypted)
    const keychain = await take(places.keychain)
    if (keychain.ok) return keychain
    if (encrypted.hasPassphrase()) return take(encrypted)
    if (plain()) return take(places['plain-file'])
    const { error } = keychain
    return error.code === 'keychain-unavailable'
      ? fail({ code: 'no-secret-store', reason: error.reason })
      : keychain
  }

  async function placeToUse(): Promise<Result<Place>> {
    const held = await decided()
    if (!held.ok) return held
    return held.value ? ok(held.value) : choose()
  }

  async function take(place: Place): Promise<Result<Place>> {
    const usable = await place.probe()
    if (!usable.ok) return usable
    // The settings may change before the first key comes; only a keychain takes long to try.
    if (place.kind === 'keychain') chosen = place.kind
    return ok(place)
  }

  async function get(account: string): Promise<Result<string | undefined>> {
    const place = await decided()
    if (!place.ok) return place
    return place.value ? place.value.get(account) : ok(undefined)
  }

  async function set(account: string, secret: string): Promise<Result<null>> {
    const place = await placeToUse()
    if (!place.ok) return place
    const { kind } = place.value
    // A keychain cannot be found out later by looking, as a file can: it is written down first.
    if (kind === 'keychain') {
      const noted = await note(kind)
      if (!noted.ok) return noted
    }
    const kept = await place.value.set(account, secret)
    return kept.ok ? note(kind) : kept
  }

  async function note(kind: StoreKind): Promise<Result<null>> {
    if (recorded === kind) return ok(null)
    const written = await writePlace(record, kind)
    if (written.ok) recorded = kind
    return written
  }

  async function remove(account: string): Promise<Result<null>> {
    const place = await decided()
    if (!place.ok) return place
    if (!place.value) return ok(null)
    // With its last key a file goes, and where the next one is kept is decided anew.
    const kind = recorded
    const gone = await place.value.delete(account)
    if (!gone.ok || place.value.kind === 'keychain') return gone
    if (kind !== undefined && !existsSync(kind === 'plain-file' ? plainFile : join(folder, 'keys.enc'))) {
      const forgotten = await forgetPlace(record)
      if (!forgotten.ok) return forgotten
      recorded = undefined
    }
    return gone
  }

  const missing = ({ registry, user }: KeyOwner, slot: Slot) =>
    fail({ code: 'key-not-kept', registry, user, slot })

  async function copy(owner: KeyOwner, from: Slot, to: Slot): Promise<Result<'done' | 'nothing'>> {
    const found = await get(accountOf(owner, from))
    if (!found.ok) return found
    if (found.value === undefined) return ok('nothing')
    const kept = await set(accountOf(owner, to), found.value)
    return kept.ok ? ok('done') : kept
  }

  async function move(owner: KeyOwner, from: Slot, to: Slot): Promise<Result<null>> {
    const copied = await copy(owner, from, to)
    if (!copied.ok) return copied
    if (copied.value === 'done') return remove(accountOf(owner, from))
    const there = await get(accountOf(owner, to))
    if (!there.ok) return there
    return there.value === undefined ? missing(owner, from) : ok(null)
  }

  async function promote(owner: KeyOwner): Promise<Result<null>> {
    const next = await get(accountOf(owner, 'next'))
    if (!next.ok) return next
    const current = await get(accountOf(owner, 'current'))
    if (!current.ok) return current
    if (next.value === undefined) return current.value === undefined ? missing(owner, 'next') : ok(null)
    // The same in both: a kill came after the switch. What is retiring must not be written over with it.
    if (current.value !== undefined && current.value !== next.value) {
      const retired = await set(accountOf(owner, 'retiring'), current.value)
      if (!retired.ok) return retired
    }
    return move(owner, 'next', 'current')
  }

  return {
    async where(): Promise<Where> {
      const place = await queue.run(placeToUse)
      return place.ok ? { kind: place.value.kind } : { kind: 'none', error: place.error }
    },
    async describe() {
      const held = await queue.run(decided)
      if (!held.ok) return failureMessage(held.error).title
      const place = held.value ?? (keyFile() === '' ? places[chosen ?? 'keychain'] : encrypted)
      return place.describe()
    },
    unlock: encrypted.unlock,
    get: (owner, slot) => queue.run(() => get(accountOf(owner, slot))),
    set: (owner, slot, secret) => queue.run(() => set(accountOf(owner, slot), secret)),
    delete: (owner, slot) => queue.run(() => remove(accountOf(owner, slot))),
    move: (owner, from, to) => queue.run(() => move(owner, from, to)),
    promote: owner => queue.run(() => promote(owner)),
    note: name => ({
      get: () => queue.run(() => get(name)),
      set: secret => queue.run(() => set(name, secret)),
      delete: () => queue.run(() => remove(name)),
    }),
  }
}

const accountOf = ({ registry, user }: KeyOwner, slot: Slot): string =>
  `key/${plainly(registry)}/${plainly(user)}/${slot}`

/** As it is, but for what would make two owners look alike. */
const plainly = (text: string): string => text.replace(/[%/\p{Cc}]/gu, sign => encodeURIComponent(sign))
