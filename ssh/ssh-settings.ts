import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { errorCode } from '../lib/error-code.ts'
import type { SshTarget } from './ssh-target.ts'

/** How a host is reached, after ~/.ssh/config (ssh_config(5)) was asked. */
export interface SshSettings {
  address: string
  port: number
  user: string
  /** Private key files, in the order in which they are tried. */
  identities: string[]
  /** Socket of the ssh-agent. */
  agent?: string
  /** The way through another host or a command that it names, which is not supported. */
  through?: string
}

const defaults = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/**
 * HostName, User, Port, IdentityFile and IdentityAgent of ~/.ssh/config; nothing that it names is run. What the target
 * says itself goes first. Throws when the file is there and cannot be read.
 */
export async function sshSettings(
  target: SshTarget,
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SshSettings> {
  const { USER, LOGNAME, SSH_AUTH_SOCK: agentHere } = environment
  const localUser = USER ?? LOGNAME ?? userInfo().username
  const said = await computed(join(home, '.ssh', 'config'), target.host)
  const one = (name: string): string | undefined => {
    const value = said[name]
    return Array.isArray(value) ? value[0] : value
  }
  const user = target.user ?? one('user') ?? localUser
  const address = (one('hostname') ?? target.host).replaceAll('%h', target.host).replaceAll('%%', '%')
  const port = target.port ?? Number(one('port') ?? 22)
  const file = (path: string): string => {
    const full = path.replace(/%[dhru%]/g, token => {
      const names: Record<string, string> = { '%d': home, '%h': address, '%r': user, '%u': localUser }
      return names[token] ?? '%'
    })
    return resolve(home, full.replace(/^~(?=\/)/, home))
  }
  const named = [said['identityfile'] ?? []].flat().filter(path => path !== 'none')
  const agentSaid = one('identityagent')
  const agent =
    agentSaid === undefined || agentSaid === 'SSH_AUTH_SOCK'
      ? agentHere
      : agentSaid === 'none'
        ? undefined
        : file(agentSaid)
  const through = ['proxyjump', 'proxycommand'].find(name => (one(name) ?? 'none') !== 'none')
  return {
    address,
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : 22,
    user,
    identities: named.length > 0 ? named.map(file) : defaults.map(name => join(home, '.ssh', name)),
    ...(agent === undefined || agent === '' ? {} : { agent }),
    ...(through === undefined ? {} : { through: through === 'proxyjump' ? 'ProxyJump' : 'ProxyCommand' }),
  }
}

async function computed(file: string, host: string): Promise<Record<string, string | string[]>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    throw error
  }
  const { parse } = await import('ssh-config')
  // Canonical names would be looked up by a program, in the way of everything else.
  const plain = text.replace(/^\s*Canonical\w+\b.*$/gim, '')
  return parse(plain).compute(host, { ignoreCase: true, matchExec: false })
}
