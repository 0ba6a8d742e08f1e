import { isIP } from 'node:net'
import { isAbsolute } from 'node:path'
import * as v from 'valibot'
import type { SettingRow } from '../../contract/setting.ts'
import { parseDuration } from '../../lib/parse-duration.ts'
import { parseOpenAddress } from '../../registry/config/anonymous-rights.ts'
import { ed25519Key } from '../platform/ed25519.ts'

type Value = SettingRow['value']

/** One setting: how it is read (from JSON or from the words of a command line), and what is said about it. */
export interface Setting<T extends Value> {
  schema: v.GenericSchema<unknown, T>
  default: T
  words: string
  allowed: string
  /** Takes effect at once, or with the next start of the core. */
  how: SettingRow['how']
  via: SettingRow['via']
  /** Whoever knows the value may use it, as with the address of a webhook: only the command line is shown it. */
  secret?: true
}

/** What stands for the value of a secret address: which server it names, and no more. */
export const maskedAddress = (text: string): string =>
  text.replace(/^((?:\w+\+)?https?:\/\/)(?:[^/?#]*@)?([^/?#@]*).*$/s, '$1$2/(hidden)')

type About = Pick<SettingRow, 'words' | 'how'>

export function flag(byDefault: boolean, about: About): Setting<boolean> {
  const asText = v.pipe(
    v.picklist(['true', 'false']),
    v.transform(text => text === 'true'),
  )
  return {
    schema: v.union([v.boolean(), asText]),
    default: byDefault,
    allowed: 'true or false',
    via: 'any',
    ...about,
  }
}

/** A whole number. */
export function count(byDefault: number, min: number, max: number, about: About): Setting<number> {
  const asText = v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number))
  const schema = v.pipe(v.union([v.number(), asText]), v.integer(), v.minValue(min), v.maxValue(max))
  return { schema, default: byDefault, allowed: `a whole number, ${min} to ${max}`, via: 'any', ...about }
}

/** An absolute path, or nothing. Names a file, so it is changed where the user's own account is asked: not over HTTP. */
export function file(about: About): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.maxLength(4096),
    v.check(path => path === '' || (isAbsolute(path) && !path.includes('\0'))),
  )
  return {
    schema,
    default: '',
    allowed: 'an absolute path, or nothing for the default',
    via: 'cli',
    ...about,
  }
}

/** One of a few words, the first by default. It decides which program runs, so not over HTTP. */
export function oneOf<const W extends string>(words: readonly [W, ...W[]], about: About): Setting<W> {
  return {
    schema: v.picklist(words),
    default: words[0],
    allowed: words.join(' or '),
    via: 'cli',
    ...about,
  }
}

/** An address of a server, http or https, or nothing. Secrets are sent to it, so not over HTTP. */
export function address(about: About): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.maxLength(2000),
    v.check(text => text === '' || isAddress(text)),
    v.transform(text => text.replace(/\/+$/, '')),
  )
  return {
    schema,
    default: '',
    allowed: 'https://HOST or http://HOST, without a user, a question mark or a #, or nothing',
    via: 'cli',
    ...about,
  }
}

function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === ''
}

/** Where a registry listens that asks nobody who they are, or nothing. It opens it, so not over HTTP. */
export function openTo(about: About): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.maxLength(2000),
    v.transform(text => (text.trim() === '' ? '' : parseOpenAddress(text))),
    v.string(),
  )
  return { schema, default: '', allowed: 'ADDRESS:PORT, as in config.json, or nothing', via: 'cli', ...about }
}

/** Words of a certain form, or nothing. */
export function text(
  about: About & Pick<Setting<string>, 'via' | 'allowed' | 'secret'> & { form: RegExp },
): Setting<string> {
  const { form, ...rest } = about
  const schema = v.pipe(
    v.string(),
    v.maxLength(2000),
    v.check(text => text === '' || form.test(text)),
  )
  return { schema, default: '', ...rest }
}

/** Addresses and networks, or nothing; kept with `, ` between them. What they say is believed, so not over HTTP. */
export function networks(about: About): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.maxLength(2000),
    v.transform(text => text.split(/[\s,]+/).filter(word => word !== '')),
    v.check(list => list.every(isNetwork)),
    v.transform(list => list.join(', ')),
  )
  const allowed = 'addresses and networks such as 10.0.0.0/8, with commas between them, or nothing'
  return { schema, default: '', allowed, via: 'cli', ...about }
}

/** An Ed25519 public key, or nothing. It decides which programs are trusted, so not over HTTP. */
export function publicKey(about: About): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.maxLength(2000),
    v.check(key => key === '' || ed25519Key(key) !== undefined),
  )
  const allowed = 'an Ed25519 public key, as PEM or as base64 of its 32 bytes, or nothing'
  return { schema, default: '', allowed, via: 'cli', ...about }
}

/** A span of time such as "24h" or "0", up to `mostDays` days. */
export function duration(byDefault: string, maxDays: number, about: About): Setting<string> {
  const schema = v.pipe(
    v.string(),
    v.maxLength(20),
    v.check(text => (parseDuration(text) ?? Number.POSITIVE_INFINITY) <= maxDays * 86_400_000),
  )
  const allowed = `a time such as 90s, 30m, 24h or 2d, at most ${maxDays}d; 0 for none`
  return { schema, default: byDefault, allowed, via: 'any', ...about }
}

/** Whether a text is an IP address, or a network as in `10.0.0.0/8`. */
function isNetwork(text: string): boolean {
  const [address = '', bits, ...more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more.length > 0 || address.includes('%')) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}
