import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type { Status } from '../../contract/messages/status.ts'
import { halfUpload } from '../integration/registry/client.ts'
import { ask, connectTo } from '../integration/registry/registry-process.ts'
import { freePort } from '../setup/free-port.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')
const node = join(root, 'node_modules', '.bin', 'node')
const cli = join(root, 'dist', 'cli', 'main.mjs')
const core = join(root, 'dist', 'core', 'main.mjs')

/** The built app in a home of its own, headless, as a person starts it; and real images to push into it. */
export class LiveApp {
  readonly port: number
  private readonly folder: string
  private process: ChildProcess | undefined
  private said = ''
  private readonly dashboardPort: number

  private constructor(folder: string, port: number, dashboardPort: number) {
    this.folder = folder
    this.port = port
    this.dashboardPort = dashboardPort
  }

  /** `dashboardPort` 0 lets the kernel choose one at each start. */
  static async make(dashboardPort = 0): Promise<LiveApp> {
    const folder = mkdtempSync(join(tmpdir(), 'zotbar-live-'))
    const port = await freePort()
    const config = {
      distSpecVersion: '1.1.0',
      storage: { rootDirectory: join(folder, 'data') },
      http: { address: '127.0.0.1', port: String(port) },
      log: { level: 'info' },
    }
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config))
    return new LiveApp(folder, port, dashboardPort)
  }

  /** Where the app keeps its own things. */
  get home(): string {
    return this.at('home')
  }

  /** Starts the app, and waits until it serves. */
  async start(): Promise<void> {
    const args = [
      core,
      'start',
      '--headless',
      '--json',
      '--dashboard-port',
      String(this.dashboardPort),
      '--config',
      this.at('config.json'),
    ]
    const child = spawn(node, args, { env: this.env(), stdio: ['ignore', 'pipe', 'pipe'] })
    this.process = child
    child.stderr.on('data', data => {
      this.said += data
    })
    const ended = once(child, 'exit').then(([code]) => `it ended with ${code}`)
    const serves = (async () => {
      for await (const line of createInterface({ input: child.stdout }))
        if (JSON.parse(line).state === 'serving') return 'serving'
      return 'its output ended'
    })()
    const first = await Promise.race([ended, serves])
    if (first !== 'serving') throw new Error(`The app did not serve: ${first}. ${this.said}`)
    child.stdout.resume()
  }

  async status(): Promise<Status> {
    return JSON.parse(await this.run('status', '--json'))
  }

  /** A fresh link to the dashboard. */
  async link(): Promise<string> {
    const answer: unknown = JSON.parse(await this.run('open', '--print', '--json'))
    if (typeof answer === 'object' && answer && 'url' in answer) return String(answer.url)
    throw new Error(`no link in ${JSON.stringify(answer)}`)
  }

  /** The lines of `zotbar status`. */
  statusText(): Promise<string> {
    return this.run('status')
  }

  /** Kills the app, and leaves the registry as it is. */
  async kill(): Promise<void> {
    const ended = this.process && once(this.process, 'exit')
    this.process?.kill('SIGKILL')
    await ended
  }

  /** Pushes an image made of busybox under `name`. */
  async push(name: string): Promise<void> {
    const image = `${this.at('image')}:1`
    const { stdout } = await execute('sh', ['-c', 'command -v busybox'])
    mkdirSync(this.at('bin'))
    copyFileSync(stdout.trim(), join(this.at('bin'), 'busybox'))
    await execute('umoci', ['init', '--layout', this.at('image')])
    await execute('umoci', ['new', '--image', image])
    await execute('umoci', ['insert', '--rootless', '--image', image, this.at('bin'), '/bin'])
    await execute('skopeo', [
      'copy',
      '--dest-tls-verify=false',
      `oci:${image}`,
      `docker://127.0.0.1:${this.port}/${name}`,
    ])
  }

  /** A push that is under way until it is told to finish. */
  openPush(name: string): ReturnType<typeof halfUpload> {
    const to = { ask: ask.bind(undefined, this.port), connect: () => connectTo(this.port) }
    return halfUpload(to, name)
  }

  /** Quits the app, the registry with it, and removes its home. */
  async dispose(): Promise<void> {
    const child = this.process
    if (child && child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  private at(name: string): string {
    return join(this.folder, name)
  }

  private env(): NodeJS.ProcessEnv {
    return { ...process.env, HOME: this.folder, ZOTBAR_HOME: this.home, ZOTBAR_ENGINE_COPY: 'off' }
  }

  /** `status` exits with 4 while it is not serving; what it prints counts. */
  private async run(...args: string[]): Promise<string> {
    const done = await execute(node, [cli, ...args], { env: this.env() }).catch(error => error)
    return String(done.stdout)
  }
}
