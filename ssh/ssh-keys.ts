import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { AnyAuthMethod } from 'ssh2'
import { errorCode, reasonOf } from '../lib/error-code.ts'
import type { SshSettings } from './ssh-settings.ts'

/** What the user can sign in with. */
export interface SshIdentities {
  methods: AnyAuthMethod[]
  /** For people: "ssh-agent (2 keys)", "id_ed25519". */
  tried: string[]
  /** What was left out, with the reason. */
  skipped: string[]
}

type Ssh2 = typeof import('ssh2')
/** An agent that asks its user may take its time; one that hangs may not, in ms. */
const agentLimitMs = 10_000

/** The keys of the agent first, then the key files that need no passphrase. Never asks for anything. */
export async function identitiesOf(settings: SshSettings, ssh2: Ssh2): Promise<SshIdentities> {
  const { user: username, agent, identities: files } = settings
  const identities: SshIdentities = { methods: [], tried: [], skipped: [] }
  const held = agent === undefined ? [] : await keysOfAgent(agent, ssh2)
  if (typeof held === 'string') identities.skipped.push(`the ssh-agent: ${held}`)
  else if (agent !== undefined && held.length > 0) {
    identities.methods.push({ type: 'agent', username, agent })
    identities.tried.push(`ssh-agent (${held.length} ${held.length === 1 ? 'key' : 'keys'})`)
  }
  for (const file of files) {
    const read = await readKey(file, ssh2)
    if (read === 'absent') continue
    const name = basename(file)
    if ('key' in read) {
      identities.methods.push({ type: 'publickey', username, key: read.key })
      identities.tried.push(name)
    } else if (!read.locked) identities.skipped.push(`${name}: ${read.reason}`)
    else if (!(await isHeld(`${file}.pub`, held, ssh2)))
      identities.skipped.push(`${name}: it has a passphrase and is not in the ssh-agent`)
  }
  return identities
}

/** Public keys as SSH sends them; or why there are none, half a sentence. */
async function keysOfAgent(socket: string, ssh2: Ssh2): Promise<Buffer[] | string> {
  try {
    const agent = ssh2.createAgent(socket)
    return await new Promise<Buffer[] | string>(resolve => {
      const timer = setTimeout(() => resolve('it does not answer'), agentLimitMs)
      agent.getIdentities((error, keys) => {
        clearTimeout(timer)
        if (error) return resolve(`it cannot be asked (${reasonOf(error)})`)
        resolve((keys ?? []).flatMap(key => publicPart(key, ssh2) ?? []))
      })
    })
  } catch (error) {
    return reasonOf(error)
  }
}

function publicPart(key: unknown, ssh2: Ssh2): Buffer | undefined {
  if (Buffer.isBuffer(key)) return key
  if (typeof key === 'object' && key !== null && 'getPublicSSH' in key) {
    const { getPublicSSH } = key
    if (typeof getPublicSSH === 'function') return getPublicSSH.call(key)
  }
  const parsed = typeof key === 'string' ? ssh2.utils.parseKey(key) : undefined
  return parsed === undefined || parsed instanceof Error ? undefined : parsed.getPublicSSH()
}

type KeyFile = { key: Buffer } | { locked: boolean; reason: string } | 'absent'

async function readKey(file: string, ssh2: Ssh2): Promise<KeyFile> {
  let key: Buffer
  try {
    key = await readFile(file)
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'absent' : { locked: false, reason: reasonOf(error) }
  }
  const parsed = ssh2.utils.parseKey(key)
  if (parsed instanceof Error)
    return /encrypted/i.test(parsed.message)
      ? { locked: true, reason: '' }
      : { locked: false, reason: 'this kind of key is not understood' }
  return parsed.isPrivateKey() ? { key } : { locked: false, reason: 'it is no private key' }
}

async function isHeld(publicFile: string, held: Buffer[] | string, ssh2: Ssh2): Promise<boolean> {
  if (typeof held === 'string') return false
  const text = await readFile(publicFile).catch(() => undefined)
  const parsed = text === undefined ? undefined : ssh2.utils.parseKey(text)
  if (parsed === undefined || parsed instanceof Error) return false
  return held.some(key => key.equals(parsed.getPublicSSH()))
}
