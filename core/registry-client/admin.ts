import { createHash, randomInt } from 'node:crypto'
import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { createAtomic, writeAtomic } from '../../lib/atomic-file.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { writeInPlace } from '../platform/in-place.ts'
import { readJsonFile, type SetAside, writeJsonFile } from '../platform/json-file.ts'

/** bcrypt's work factor, as `htpasswd -B` of today has it or more. */
const bcryptCost = 10

/** Letters and digits that are not mistaken for each other when read aloud. */
const alphabet = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const passwordLength = 24

/** 24 characters, about 139 bits. */
export const generatePassword = (): string =>
  Array.from({ length: passwordLength }, () => alphabet[randomInt(alphabet.length)]).join('')

/** `text` with the line of `user` replaced, or added at its end; every other line stays as it is. Pure. */
export function withUser(text: string, user: string, hash: string): string {
  const lines = text === '' ? [] : text.replace(/\n$/, '').split('\n')
  const at = lines.findIndex(line => line.startsWith(`${user}:`))
  const line = `${user}:${hash}`
  const next = at === -1 ? [...lines, line] : lines.map((old, index) => (index === at ? line : old))
  return `${next.join('\n')}\n`
}

export interface Credential {
  user: string
  password: string
}

/** Where a password went: the keychain, or a file and, to stand in brackets, why. */
type Location = { where: 'keychain' } | { where: 'file'; file: string; why: string }

/** Where secrets are stored; core/secrets has one. Each answer may take as long as a prompt of the keychain stands. */
export interface SecretStore {
  get(account: string): Promise<Result<string | undefined>>
  set(account: string, secret: string): Promise<Result<Location>>
  delete(account: string): Promise<Result<null>>
}

/** A first htpasswd that was just written. */
export interface FirstAdmin {
  user: string
  htpasswd: string
  /** Once its password is stored: nothing may wait for it, because a keychain may ask somebody who is away. */
  stored: Promise<Result<Location>>
  /** Takes it back: nobody names it. */
  discard(): Promise<void>
}

/** The admin that the core made, and the htpasswd file that is the core's to change. */
export interface Admin {
  /**
   * For the core's own requests; undefined when it has none for this registry. A keychain that said no is not asked again
   * for a minute, and after a person's no not before somebody wants the password.
   */
  credential(): Promise<Credential | undefined>
  /** Why `credential` had none: what the keychain said when it was asked last; undefined where it was not the keychain. */
  refusal(): Failure | undefined
  /**
   * Stores the password of a first admin that an earlier life of the core did not get to store: it is replaced, as nobody
   * has seen it. Answers where it is now; undefined where there was nothing to do.
   */
  settle(): Promise<Result<Location | undefined>>
  show(): Promise<Result<Credential>>
  /** Under which its password is stored; none without an admin of ours. */
  account(): Promise<string[]>
  /** A new password in keychain and file; the lines of other users stay, and the old text beside it. */
  reset(): Promise<Result<Credential>>
}

interface Options {
  home: string
  secrets: SecretStore
  /** What config.json names now. */
  registry(): { configFile: string; htpasswd?: string }
  report(setAside: SetAside): void
  now(): number
  hash?: (password: string) => Promise<string>
}

const recordSchema = v.object({
  user: v.string(),
  htpasswd: v.string(),
  /** The password is not stored yet, so nobody knows it: the SHA-256 of the htpasswd that was made with it. */
  unstored: v.optional(v.string()),
})
type AdminRecord = v.InferOutput<typeof recordSchema>
const recordFile = (home: string): string => join(home, 'admin.json')
const firstUser = 'admin'

interface ReadOptions {
  now(): number
  report(setAside: SetAside): void
}

const readRecord = (home: string, reading: ReadOptions): Promise<AdminRecord | undefined> =>
  readJsonFile(recordFile(home), recordSchema, reading)

/**
 * Makes the first admin: a generated password, its hash in a new htpasswd file in `folder`, under a name that is free. The
 * password goes to the keychain (or its file) meanwhile. Throws as the file system does.
 */
export async function establishAdmin(
  options: ReadOptions & {
    home: string
    folder: string
    secrets: SecretStore
    hash?: (password: string) => Promise<string>
  },
): Promise<FirstAdmin> {
  const { home, folder, secrets, hash = bcrypt } = options
  const password = generatePassword()
  const text = withUser('', firstUser, await hash(password))
  const htpasswd = await createHtpasswd(folder, text, (await readRecord(home, options))?.htpasswd)
  const admin = { user: firstUser, htpasswd }
  await writeJsonFile(recordFile(home), { ...admin, unstored: digestOf(text) })
  let discarded = false

  async function store(): Promise<Result<Location>> {
    const stored = await secrets.set(accountOf(admin), password)
    if (!stored.ok || discarded) return stored
    const written = await writeRecord(home, admin)
    return written.ok ? stored : written
  }

  return {
    ...admin,
    stored: store(),
    async discard() {
      discarded = true
      await rm(htpasswd, { force: true })
      await rm(recordFile(home), { force: true })
      void secrets.delete(accountOf(admin))
    },
  }
}

export function createAdmin(options: Options): Admin {
  const { home, secrets, registry, report, now, hash = bcrypt } = options
  /** The password as last read, so that the keychain is asked once for each htpasswd file. */
  let known: { htpasswd: string; credential: Credential } | undefined
  /** What the keychain refused for this file, and until when (ms since the epoch) it is not asked again. */
  let refused: { htpasswd: string | undefined; until: number; error: Failure } | undefined
  let settling: Promise<Result<Location | undefined>> | undefined

  /** The file that the core wrote and that config.json names; nothing else may be changed. */
  async function ours(): Promise<Result<AdminRecord>> {
    const { configFile, htpasswd } = registry()
    const written = await readRecord(home, { now, report })
    if (htpasswd !== undefined && written?.htpasswd === htpasswd) return ok(written)
    return fail({ code: 'admin-not-ours', configFile, ...(htpasswd === undefined ? {} : { htpasswd }) })
  }

  async function show(): Promise<Result<Credential>> {
    const file = await ours()
    if (!file.ok) return file
    const { user, htpasswd, unstored } = file.value
    const settled = unstored === undefined ? ok(undefined) : await settle()
    if (!settled.ok) return settled
    const password = await secrets.get(accountOf(file.value))
    if (!password.ok) {
      const { error } = password
      return error.code === 'keychain-unavailable'
        ? fail({ code: 'admin-password-unknown', user, htpasswd, reason: error.reason })
        : password
    }
    if (password.value === undefined) return fail({ code: 'admin-password-unknown', user, htpasswd })
    const credential = { user, password: password.value }
    if (registry().htpasswd === htpasswd) known = { htpasswd, credential }
    return ok(credential)
  }

  async function renew(record: AdminRecord): Promise<Result<{ credential: Credential; location: Location }>> {
    const { user, htpasswd } = record
    const password = generatePassword()
    const storedPassword = await secrets.get(accountOf(record))
    // Without a keychain the new one goes to a file; one that says no may hold the old one still.
    if (!storedPassword.ok && storedPassword.error.code !== 'keychain-unavailable') return storedPassword
    const old = storedPassword.ok ? storedPassword.value : undefined
    try {
      const before = await readFile(htpasswd, 'utf8')
      const next = withUser(before, user, await hash(password))
      // The secret first: a file that nobody knows the password to would lock everybody out.
      const stored = await secrets.set(accountOf(record), password)
      if (!stored.ok) return stored
      await writeAtomic(`${htpasswd}.before-reset`, before)
      await writeInPlace(await realpath(htpasswd), next, { filler: '\n' })
      if (record.unstored !== undefined) await writeJsonFile(recordFile(home), { user, htpasswd })
      const credential = { user, password }
      known = { htpasswd, credential }
      return ok({ credential, location: stored.value })
    } catch (error) {
      // The file holds the old one still, as far as is known.
      if (old !== undefined) await secrets.set(accountOf(record), old)
      return fail({ code: 'file-unusable', path: htpasswd, reason: reasonOf(error) })
    }
  }

  async function storeUnstored(): Promise<Result<Location | undefined>> {
    const record = await readRecord(home, { now, report })
    if (record?.unstored === undefined) return ok(undefined)
    const stored = await secrets.get(accountOf(record))
    if (!stored.ok) return stored
    const text = await readFile(record.htpasswd, 'utf8').catch(() => '')
    // An account that somebody changed by hand has a password that somebody knows.
    if (stored.value === undefined && digestOf(text) === record.unstored) {
      const renewed = await renew(record)
      return renewed.ok ? ok(renewed.value.location) : renewed
    }
    const written = await writeRecord(home, { user: record.user, htpasswd: record.htpasswd })
    return written.ok ? ok(undefined) : written
  }

  function settle(): Promise<Result<Location | undefined>> {
    settling ??= storeUnstored().finally(() => {
      settling = undefined
    })
    return settling
  }

  return {
    show,
    settle,
    async account() {
      const record = await readRecord(home, { now, report })
      return record === undefined ? [] : [accountOf(record)]
    },
    async credential() {
      // Another config.json may name another file: its admin must not get this one's password.
      const { htpasswd } = registry()
      if (known && known.htpasswd === htpasswd) return known.credential
      if (refused && refused.htpasswd === htpasswd && now() < refused.until) return undefined
      const shown = await show()
      if (shown.ok) return shown.value
      const until = refusedUntil(shown.error, now())
      refused = until === undefined ? undefined : { htpasswd, until, error: shown.error }
      return undefined
    },
    refusal() {
      const error = known || refused?.htpasswd !== registry().htpasswd ? undefined : refused?.error
      return error?.code === 'keychain-denied' || error?.code === 'keychain-locked' ? error : undefined
    },
    async reset() {
      const file = await ours()
      if (!file.ok) return file
      const renewed = await renew(file.value)
      return renewed.ok ? ok(renewed.value.credential) : renewed
    },
  }
}

/** Each question may put a prompt on a screen. */
function refusedUntil(error: Failure, now: number): number | undefined {
  if (error.code === 'keychain-denied') return Number.POSITIVE_INFINITY
  const { code } = error
  return code === 'keychain-locked' || code === 'admin-password-unknown' ? now + 60_000 : undefined
}

async function writeRecord(home: string, record: AdminRecord): Promise<Result<null>> {
  try {
    await writeJsonFile(recordFile(home), record)
    return ok(null)
  } catch (error) {
    return fail({ code: 'file-unusable', path: recordFile(home), reason: reasonOf(error) })
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')

/** One per htpasswd file: two homes on one machine have two admins. */
const accountOf = (file: AdminRecord): string => `${file.user} in ${file.htpasswd}`

/**
 * A name that is free, or that of an earlier try that the core recorded and no config.json came to name; where accounts
 * were added to it since, it is left as it is.
 */
async function createHtpasswd(folder: string, text: string, earlier: string | undefined): Promise<string> {
  for (const name of ['htpasswd', 'zotbar.htpasswd', 'zotbar-2.htpasswd']) {
    const file = join(folder, name)
    if (await createAtomic(file, text)) return file
    if (file !== earlier || !(await hasOnlyFirstUser(file))) continue
    await writeInPlace(await realpath(file), text, { filler: '\n' })
    return file
  }
  throw new Error('no name for an htpasswd file is free there')
}

async function hasOnlyFirstUser(file: string): Promise<boolean> {
  const lines = (await readFile(file, 'utf8')).split('\n')
  return lines.every(line => line.trim() === '' || line.startsWith(`${firstUser}:`))
}

/** bcryptjs works in slices, so that the core answers meanwhile. */
async function bcrypt(password: string): Promise<string> {
  const { hash } = await import('bcryptjs')
  return hash(password, bcryptCost)
}
