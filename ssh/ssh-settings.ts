import { readFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { fail, ok, type Result } from '../contract/result.ts'
import { errorCode } from '../lib/error-code.ts'

/** Where to connect to, as the user wrote it: what is left out comes from ~/.ssh/config or is ssh's default. */
export interface SshTarget {
  host: string
  user?: string
  port?: number
}

/** The forms that are understood, for messages. */
const targetForms = 'HOST, USER@HOST or USER@HOST:PORT; an IPv6 address in brackets'

const form =
  /^(?:(?<user>[^\s@:/-][^\s@:/]*)@)?(?<host>[\w.-]+|\[[0-9a-fA-F:.]+(?:%\w+)?\])(?::(?<port>\d{1,5}))?$/

/** Reads "host", "user@host", "user@host:port". Error: bad-input. */
export function parseTarget(text: string): Result<SshTarget> {
  const { user, host, port } = form.exec(text)?.groups ?? {}
  const number = port === undefined ? undefined : Number(port)
  if (host === undefined || host.startsWith('-') || (number !== undefined && (number < 1 || number > 65_535)))
    return fail({ code: 'bad-input', field: 'host', wrong: text.slice(0, 200), allowed: targetForms })
  return ok({
    host: host.replace(/^\[|\]$/g, ''),
    ...(user === undefined ? {} : { user }),
    ...(number === undefined ? {} : { port: number }),
  })
}

/** A host as known_hosts names it (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). */
export const knownHostName = (host: string, port: number): string =>
  port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`

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
  proxy?: string
}

const defaultIdentities = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/**
 * HostName, User, Port, IdentityFile and IdentityAgent of ~/.ssh/config; nothing that it names is run. What the target
 * says itself goes first. Throws when the file is there and cannot be read.
 */
export async function sshSettings(
  target: SshTarget,
  home: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<SshSettings> {
  const { USER, LOGNAME, SSH_AUTH_SOCK: inheritedAgent } = environment
  const localUser = USER ?? LOGNAME ?? userInfo().username
  const config = await readSshConfig(join(home, '.ssh', 'config'), target.host)
  const first = (name: string): string | undefined => {
    const value = config[name]
    return Array.isArray(value) ? value[0] : value
  }
  const user = target.user ?? first('user') ?? localUser
  const address = (first('hostname') ?? target.host).replaceAll('%h', target.host).replaceAll('%%', '%')
  const port = target.port ?? Number(first('port') ?? 22)
  const file = (path: string): string => {
    const full = path.replace(/%[dhru%]/g, token => {
      const names: Record<string, string> = { '%d': home, '%h': address, '%r': user, '%u': localUser }
      return names[token] ?? '%'
    })
    return resolve(home, full.replace(/^~(?=\/)/, home))
  }
  const named = [config['identityfile'] ?? []].flat().filter(path => path !== 'none')
  const configuredAgent = first('identityagent')
  const agent =
    configuredAgent === undefined || configuredAgent === 'SSH_AUTH_SOCK'
      ? inheritedAgent
      : configuredAgent === 'none'
        ? undefined
        : file(configuredAgent)
  const proxy = ['proxyjump', 'proxycommand'].find(name => (first(name) ?? 'none') !== 'none')
  return {
    address,
    port: Number.isInteger(port) && port > 0 && port < 65_536 ? port : 22,
    user,
    identities: named.length > 0 ? named.map(file) : defaultIdentities.map(name => join(home, '.ssh', name)),
    ...(agent === undefined || agent === '' ? {} : { agent }),
    ...(proxy === undefined ? {} : { proxy: proxy === 'proxyjump' ? 'ProxyJump' : 'ProxyCommand' }),
  }
}

async function readSshConfig(file: string, host: string): Promise<Record<string, string | string[]>> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return {}
    throw error
  }
  const { parse } = await import('ssh-config')
  // Canonical names would be looked up by a program, in the way of everything else.
  const withoutCanonical = text.replace(/^\s*Canonical\w+\b.*$/gim, '')
  return parse(withoutCanonical).compute(host, { ignoreCase: true, matchExec: false })
}
