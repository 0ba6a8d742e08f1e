import { randomInt } from 'node:crypto'
import { readFile, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as v from 'valibot'
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

/** Where secrets are stored; core/secrets has one. */
export interface SecretStore<Kept> {
  get(account: string): Promise<string | undefined>
  set(account: string, secret: string): Promise<Kept>
  delete(account: string): Promise<void>
}

/** A first htpasswd that was just written. */
export interface FirstAdmin<Kept> {
  user: string
  htpasswd: string
  kept: Kept
  /** Takes it back: nobody names it. */
  discard(): Promise<void>
}

/** The admin that the app made, and the htpasswd file that is the app's to change. */
export interface Admin {
  /** For the app's own requests; undefined when it has none for this registry. */
  credential(): Promise<Credential | undefined>
  show(): Promise<Result<Credential>>
  /** A new password in keychain and file; the lines of other users stay, and the old text beside it. */
  reset(): Promise<Result<Credential>>
}

interface Options {
  home: string
  secrets: SecretStore<unknown>
  /** What config.json names now. */
  registry(): { configFile: string; htpasswd?: string }
  report(setAside: SetAside): void
  now(): number
  hash?: (password: string) => Promise<string>
}

const recordSchema = v.object({ user: v.string(), htpasswd: v.string() })
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
 * Makes the first admin: a generated password in the keychain (or its file), its hash in a new htpasswd file in
 * `folder`, under a name that is free. Throws as the file system does.
 */
export async function establishAdmin<Kept>(
  options: ReadOptions & {
    home: string
    folder: string
    secrets: SecretStore<Kept>
    hash?: (password: string) => Promise<string>
  },
): Promise<FirstAdmin<Kept>> {
  const { home, folder, secrets, hash = bcrypt } = options
  const password = generatePassword()
  const text = withUser('', firstUser, await hash(password))
  const htpasswd = await createHtpasswd(folder, text, (await readRecord(home, options))?.htpasswd)
  const admin = { user: firstUser, htpasswd }
  const stored = await secrets.set(account(admin), password)
  await writeJsonFile(recordFile(home), admin)
  return {
    ...admin,
    kept: stored,
    async discard() {
      await rm(htpasswd, { force: true })
      await rm(recordFile(home), { force: true })
      await secrets.delete(account(admin))
    },
  }
}

export function createAdmin(options: Options): Admin {
  const { home, secrets, registry, report, now, hash = bcrypt } = options
  /** The password as last read, so that the keychain is asked once for each htpasswd file. */
  let known: { htpasswd: string; credential: Credential } | undefined

  /** The file that the app wrote and that config.json names; nothing else may be changed. */
  async function ours(): Promise<Result<AdminRecord>> {
    const { configFile, htpasswd } = registry()
    const written = await readRecord(home, { now, report })
    if (htpasswd !== undefined && written?.htpasswd === htpasswd) return ok(written)
    return fail({ code: 'admin-not-ours', configFile, ...(htpasswd === undefined ? {} : { htpasswd }) })
  }

  async function show(): Promise<Result<Credential>> {
    const file = await ours()
    if (!file.ok) return file
    const password = await secrets.get(account(file.value))
    if (password === undefined) return fail({ code: 'admin-password-unknown', ...file.value })
    return ok({ user: file.value.user, password })
  }

  return {
    show,
    async credential() {
      // Another config.json may name another file: its admin must not get this one's password.
      const { htpasswd } = registry()
      if (known && known.htpasswd === htpasswd) return known.credential
      const shown = await show()
      if (!shown.ok) return undefined
      if (htpasswd !== undefined && registry().htpasswd === htpasswd)
        known = { htpasswd, credential: shown.value }
      return shown.value
    },
    async reset() {
      const file = await ours()
      if (!file.ok) return file
      const { htpasswd } = file.value
      const password = generatePassword()
      const storedPassword = await secrets.get(account(file.value))
      try {
        const before = await readFile(htpasswd, 'utf8')
        const next = withUser(before, file.value.user, await hash(password))
        // The secret first: a file that nobody knows the password to would lock everybody out.
        await secrets.set(account(file.value), password)
        await writeAtomic(`${htpasswd}.before-reset`, before)
        await writeInPlace(await realpath(htpasswd), next, { filler: '\n' })
      } catch (error) {
        // The file holds the old one still, as far as is known.
        if (storedPassword !== undefined)
          await secrets.set(account(file.value), storedPassword).catch(() => undefined)
        return fail({ code: 'file-unusable', path: htpasswd, reason: reasonOf(error) })
      }
      known = { htpasswd, credential: { user: file.value.user, password } }
      return ok(known.credential)
    },
  }
}

/** One per htpasswd file: two homes on one machine have two admins. */
const account = (file: AdminRecord): string => `${file.user} in ${file.htpasswd}`

/**
 * A name that is free, or that of an earlier try that the app recorded and no config.json came to name; where accounts
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

/** bcryptjs works in slices, so that the app answers meanwhile. */
async function bcrypt(password: string): Promise<string> {
  const { hash } = await import('bcryptjs')
  return hash(password, bcryptCost)
}
