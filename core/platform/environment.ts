import { existsSync } from 'node:fs'
import { delimiter } from 'node:path'
import { childEnvironment } from '../../lib/child-environment.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What the core itself reads, beside what its children get. */
const own = new Set([
  // Where its home, its control socket and the configuration of other programs are.
  'XDG_DATA_HOME',
  'XDG_CONFIG_HOME',
  'XDG_CACHE_HOME',
  // The keychain of Linux, and the ssh-agent.
  'DBUS_SESSION_BUS_ADDRESS',
  'SSH_AUTH_SOCK',
])

/** `ZOTBAR_*` are ours, `OP_*` are how 1Password's `op` knows its account. A proxy is used with its password. */
const isOwn = (name: string): boolean =>
  own.has(name) || /^(ZOTBAR|OP)_[A-Z0-9_]+$/i.test(name) || /^(HTTP|HTTPS|ALL|NO)_PROXY$/i.test(name)

/** Homebrew's, on a Mac with Apple's processor and on the others. An app, a service and a shell differ in having them. */
const homebrew = ['/opt/homebrew/bin', '/usr/local/bin']

interface CoreEnvironment {
  environment: Record<string, string>
  /** Names of the variables that its starter had and it has not, sorted. */
  dropped: string[]
}

/**
 * The environment of a core, whoever starts it: an allow-list, so that what a shell, npm or Electron adds changes
 * nothing. PATH gets Homebrew's folders at its end, on macOS always and elsewhere where they are.
 */
export function coreEnvironment(
  started: Environment,
  platform: NodeJS.Platform = process.platform,
  isThere: (folder: string) => boolean = existsSync,
): CoreEnvironment {
  const environment = childEnvironment(started)
  for (const [name, value] of Object.entries(started))
    if (value !== undefined && isOwn(name)) environment[name] = value
  const folders = (environment['PATH'] ?? '').split(delimiter).filter(Boolean)
  const added = homebrew.filter(folder => platform === 'darwin' || isThere(folder))
  environment['PATH'] = [...new Set([...folders, ...added])].join(delimiter)
  const dropped = Object.keys(started).filter(name => !(name in environment))
  return { environment, dropped: dropped.sort() }
}

/** Makes it the environment of this process. Returns the names that went. */
export function takeCoreEnvironment(): string[] {
  const { environment, dropped } = coreEnvironment(process.env)
  for (const name of dropped) delete process.env[name]
  Object.assign(process.env, environment)
  return dropped
}
