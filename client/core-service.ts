import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { fail, ok, type Result } from '../contract/result.ts'
import { reasonOf } from '../lib/error-code.ts'
import { resolveHome } from '../lib/home.ts'

/** What the system's service manager does with the core of a home. */
export interface CoreService {
  /** Whether the service's file is there: then the manager keeps the core, and nobody else starts one. */
  installed(): Promise<boolean>
  /** Returns when the manager has it; the core may need a moment more. */
  start(): Promise<Result<null>>
}

type Environment = Readonly<Record<string, string | undefined>>
type Run = (command: string, args: readonly string[]) => Promise<void>

export interface ServiceSurroundings {
  env?: Environment
  platform?: NodeJS.Platform
  homeOfUser?: string
  uid?: number
  /** Rejects when the command fails. */
  run?: Run
}

const label = 'app.zotbar.core'
const unit = 'zotbar.service'

/** launchd's agent, or systemd's user unit. It keeps the core of the usual home only. */
export function systemService(home: string, surroundings: ServiceSurroundings = {}): CoreService {
  const { env = process.env, platform = process.platform, homeOfUser = homedir() } = surroundings
  const { uid = process.getuid?.() ?? 0, run = runCommand } = surroundings
  const { ZOTBAR_HOME: _, ...usual } = env
  const isUsualHome = resolveHome({ env: usual, platform, homeOfUser }) === home
  const mac = platform === 'darwin'
  const file = mac
    ? join(homeOfUser, 'Library', 'LaunchAgents', `${label}.plist`)
    : join(configFolder(env, homeOfUser), 'systemd', 'user', unit)
  const [command, ...args] = mac
    ? ['/bin/launchctl', 'kickstart', `gui/${uid}/${label}`]
    : ['systemctl', '--user', 'start', unit]
  return {
    installed: async () => isUsualHome && existsSync(file),
    async start() {
      try {
        await run(command, args)
        return ok(null)
      } catch (error) {
        return fail({ code: 'service-not-started', service: mac ? label : unit, reason: reasonOf(error) })
      }
    },
  }
}

function configFolder(env: Environment, homeOfUser: string): string {
  const named = env['XDG_CONFIG_HOME']
  return named && isAbsolute(named) ? named : join(homeOfUser, '.config')
}

const runCommand: Run = (command, args) =>
  new Promise((resolve, reject) => {
    execFile(command, args, { timeout: 10_000 }, error => {
      // launchctl says so of a job that runs already.
      if (error && error.code !== 37) reject(error)
      else resolve()
    })
  })
