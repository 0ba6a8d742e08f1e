import { constants } from 'node:fs'
import { access, readFile, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readCertificate } from '../../lib/certificate-files.ts'
import { isObject } from '../../lib/json.ts'
import { parseHtpasswd } from '../auth/htpasswd.ts'
import { isStandardOutput, ownDescriptor } from '../config/log-output.ts'
import { whyNotValid } from '../http/certificate.ts'
import { readLink } from '../log/logger.ts'
import { errorText } from '../storage/root.ts'
import type { FindingCollector, InspectedConfig } from './finding.ts'

/** Credentials are short; a larger file is another one. */
const maxSize = 4 * 1024 * 1024

/** Every file and folder that the configuration names: whether it is there and holds what it should. */
export async function inspectFiles(
  { config }: InspectedConfig,
  notes: FindingCollector,
  now: number,
): Promise<void> {
  const { auth, tls } = config.http
  if (auth?.htpasswd) await inspectHtpasswd(auth.htpasswd.path, notes)
  if (tls?.cert && tls.key) {
    const read = readCertificate({ cert: tls.cert, key: tls.key })
    const why = read.ok ? whyNotValid(read.certificate, now) : undefined
    if (!read.ok) notes.problem(`http.tls.${read.file}`, read.message)
    else if (why !== undefined) notes.problem('http.tls.cert', `${tls.cert}: ${why}`)
  }
  if (auth?.sessionKeysFile)
    await inspectJson(auth.sessionKeysFile, 'http.auth.sessionKeysFile', notes, value =>
      hasTexts(value, ['hashKey'], ['encryptKey']) ? undefined : '{"hashKey", "encryptKey"}, both text',
    )
  const sync = config.extensions?.sync
  if (sync?.credentialsFile)
    await inspectJson(sync.credentialsFile, 'extensions.sync.credentialsFile', notes, value =>
      isObject(value) && Object.values(value).every(one => hasTexts(one, ['username', 'password'], []))
        ? undefined
        : 'a map of hosts to {"username", "password"}',
    )
  for (const key of ['output', 'audit'] as const) {
    const file = config.log[key]
    if (file) await inspectWritable(file, `log.${key}`, notes)
  }
}

async function inspectHtpasswd(path: string, notes: FindingCollector): Promise<void> {
  const key = 'http.auth.htpasswd.path'
  const text = await readText(path, key, notes)
  if (text === undefined) return
  const { users, problems } = parseHtpasswd(text)
  // It is served all the same: whoever has a line that can be used signs in.
  for (const { line, message } of problems) notes.warning(key, `${path}:${line}: ${message}`)
  if (users.size === 0) notes.warning(key, `${path} has no user, so nobody can sign in with a password`)
}

async function inspectJson(
  file: string,
  key: string,
  notes: FindingCollector,
  whatIsMissing: (value: unknown) => string | undefined,
): Promise<void> {
  const text = await readText(file, key, notes)
  if (text === undefined) return
  try {
    const expected = whatIsMissing(JSON.parse(text))
    if (expected !== undefined) notes.problem(key, `${file} has another content`, expected)
  } catch {
    // The parser's own words repeat parts of the file.
    notes.problem(key, `${file} is not JSON`)
  }
}

/** The text of a file that must be readable; undefined: the reason has been noted. */
async function readText(file: string, key: string, notes: FindingCollector): Promise<string | undefined> {
  try {
    const { size } = await stat(file)
    if (size <= maxSize) return await readFile(file, 'utf8')
    notes.problem(key, `${file} is too large to be such a file`)
  } catch (error) {
    notes.problem(key, `${file}: ${errorText(error)}`, 'a file that can be read', 'unreadable')
  }
  return undefined
}

/** A log may be created, but not its folder. */
async function inspectWritable(file: string, key: string, notes: FindingCollector): Promise<void> {
  const path = resolve(file)
  const descriptor = ownDescriptor(path, readLink)
  if (isStandardOutput(descriptor)) return
  if (descriptor !== undefined)
    return notes.problem(key, `${path} is not open in a registry`, 'a file, or standard output or error')
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory()) return notes.problem(key, `${path} is a folder`)
  try {
    await access(found ? path : dirname(path), constants.W_OK)
  } catch (error) {
    notes.problem(key, `${found ? path : dirname(path)}: ${errorText(error)}`)
  }
}

/** An object whose keys are these; all required ones are there and are text. */
function hasTexts(value: unknown, required: readonly string[], optional: readonly string[]): boolean {
  if (!isObject(value)) return false
  const entries = Object.entries(value)
  return (
    required.every(key => Object.hasOwn(value, key)) &&
    entries.every(
      ([key, one]) => typeof one === 'string' && (required.includes(key) || optional.includes(key)),
    )
  )
}
