import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { findCore } from '../../../client/find-core.ts'
import { readKeeper } from '../../../lib/keeper-file.ts'
import { processExists } from '../../../lib/process-exists.ts'
import { type AppProcess, type AppRig, core, createAppRig } from '../../integration/app/app-rig.ts'
import { eventually } from '../eventually.ts'
import type { DriverOptions } from './app-driver.ts'
import type { ManagerOptions } from './service-manager.ts'

/** Who keeps the core: the two kinds of service managers differ in what they do to what a dead job leaves. */
export const keepers = ['terminal', 'launchd', 'systemd', 'app'] as const
export type KeptBy = (typeof keepers)[number]

/** What serves, compared with what served before: the same process, another one, or none. */
export interface Outcome {
  core: 'same' | 'new' | 'none'
  registry: 'same' | 'new' | 'none'
}

/** A program of ours that says on standard output what it did, one object a line. */
function speaking(file: string, options: DriverOptions | ManagerOptions, env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [join(import.meta.dirname, file), JSON.stringify(options)], {
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const said: Record<string, unknown>[] = []
  createInterface({ input: child.stdout }).on('line', line => said.push(JSON.parse(line)))
  child.stdin.on('error', () => {})
  return {
    child,
    said,
    last: (key: string) => said.findLast(each => key in each)?.[key],
    tell: (word: string) => void child.stdin.write(`${word}\n`),
  }
}
type Speaking = ReturnType<typeof speaking>

/** A core with its keeper, a registry and an app that is connected, all real processes in a home of their own. */
export class KeeperRig {
  readonly by: KeptBy
  readonly rig: AppRig
  private readonly env: NodeJS.ProcessEnv
  private manager: Speaking | undefined
  private drivers: Speaking[] = []
  private terminal: AppProcess | undefined
  /** What served when `start` returned. */
  before = { core: 0, registry: 0 }

  private constructor(by: KeptBy, rig: AppRig) {
    this.by = by
    this.rig = rig
    this.env = { ...process.env, HOME: rig.folder, ZOTBAR_HOME: rig.home }
  }

  /** `within`: a folder for the home, below the folder of the test. */
  static async make(by: KeptBy, within = ''): Promise<KeeperRig> {
    return new KeeperRig(by, await createAppRig(undefined, {}, within))
  }

  get home(): string {
    return this.rig.home
  }

  /** The app that was started last. */
  get app(): Speaking {
    const app = this.drivers.at(-1)
    if (app === undefined) throw new Error('no app was started')
    return app
  }

  /** Brings core and registry up as the keeper does, with an app that is connected and starts `program`. */
  async start(program = core): Promise<void> {
    // Its own port for the dashboard: the usual one belongs to one core of this machine.
    mkdirSync(this.home, { recursive: true, mode: 0o700 })
    const settings = join(this.home, 'settings.json')
    if (!existsSync(settings)) writeFileSync(settings, '{"dashboard.port":0}', { mode: 0o600 })
    const isService = this.by === 'launchd' || this.by === 'systemd'
    if (isService) await this.startManager(this.by === 'launchd' ? 'launchd' : 'systemd')
    if (this.by === 'terminal') {
      this.terminal = this.rig.start(['--config', this.rig.configFile])
      await this.terminal.reach('serving')
    }
    await this.startApp(program)
    await eventually(() => this.serves())
    const found = await findCore(this.home)
    this.before = { core: (found.ok && found.value?.pid) || 0, registry: this.registryPid() }
  }

  /** An app finds the core, or starts one as it should. */
  async startApp(program = core): Promise<void> {
    const options: DriverOptions = {
      home: this.home,
      core: program,
      configFile: this.rig.configFile,
      ...(this.manager ? { manager: this.managerSocket } : {}),
    }
    const driver = speaking('app-driver.ts', options, this.env)
    this.drivers.push(driver)
    driver.tell('ready')
    const ready = await eventually(() => driver.last('ready'))
    if (typeof ready !== 'object' || ready === null || !('ok' in ready) || ready.ok !== true)
      throw new Error(`the app is not ready: ${JSON.stringify(ready)}`)
  }

  kill(what: 'app' | 'core' | 'registry'): void {
    if (what === 'app') this.app.child.kill('SIGKILL')
    else process.kill(this.before[what], 'SIGKILL')
  }

  /** Resolves when the app has ended. */
  async appGone(): Promise<void> {
    const { child } = this.app
    await eventually(() => child.exitCode !== null || child.signalCode !== null)
  }

  /** The user logs out: each is told as the system does. */
  logOut(): void {
    if (this.by === 'terminal') this.terminal?.kill('SIGHUP')
    else if (this.by !== 'app') void this.tellManager('stop')
    this.app.tell('session-ends')
  }

  /** A start beside the one that runs; its exit code. */
  async startAnother(keeper: 'terminal' | 'service' | 'app'): Promise<{ code: number | null; said: string }> {
    const other = spawn(process.execPath, [core, 'start', '--keeper', keeper], {
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const said = Promise.all([text(other.stdout), text(other.stderr)])
    const code = await new Promise<number | null>(resolve => other.on('exit', resolve))
    return { code, said: (await said).join('') }
  }

  async observe(): Promise<Outcome> {
    const found = await findCore(this.home)
    const now = found.ok ? found.value?.pid : undefined
    const { core: was, registry: served } = this.before
    const isCoreGone = now === undefined && !processExists(was)
    const serves = await this.serves()
    const pid = this.registryPid()
    return {
      core: isCoreGone ? 'none' : now === undefined || now === was ? 'same' : 'new',
      registry: serves ? (pid === served ? 'same' : 'new') : processExists(served) ? 'same' : 'none',
    }
  }

  /** Whether everybody who could start a core has decided not to. */
  isSettled(): boolean {
    const lastEnd = this.manager?.said.findLast(each => 'ended' in each)
    const managed = this.manager === undefined || lastEnd?.['restarts'] === false
    const { exitCode, signalCode } = this.app.child
    const isAppGone = exitCode !== null || signalCode !== null
    return managed && (isAppGone || ['left', 'ended'].includes(String(this.app.last('state'))))
  }

  async serves(): Promise<boolean> {
    try {
      return (await fetch(`${this.rig.url}/v2/`, { signal: AbortSignal.timeout(1000) })).status === 200
    } catch {
      return false
    }
  }

  registryPid(): number {
    try {
      const read: unknown = JSON.parse(readFileSync(join(this.home, 'run', 'registry.json'), 'utf8'))
      return typeof read === 'object' && read !== null && 'pid' in read ? Number(read.pid) : 0
    } catch {
      return 0
    }
  }

  async end(): Promise<void> {
    for (const { child } of [this.manager, ...this.drivers].filter(each => each !== undefined))
      await killed(child)
    const pids = [readKeeper(this.home)?.pid, this.before.core, this.before.registry]
    for (const pid of pids) if (pid && processExists(pid)) process.kill(pid, 'SIGKILL')
    await this.rig.end()
  }

  private get managerSocket(): string {
    return join(this.rig.folder, 'manager.sock')
  }

  private async startManager(kind: 'launchd' | 'systemd'): Promise<void> {
    const command = [
      process.execPath,
      ...['--disable-sigusr1', core, 'start', '--keeper', 'service'],
      ...['--config', this.rig.configFile],
    ]
    const options: ManagerOptions = { kind, socket: this.managerSocket, command, pauseMs: 100 }
    const manager = speaking('service-manager.ts', options, this.env)
    this.manager = manager
    await eventually(() => manager.last('listens'))
  }

  private async tellManager(word: 'start' | 'stop'): Promise<void> {
    const socket = connect(this.managerSocket)
    socket.end(`${word}\n`)
    await text(socket)
  }
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
