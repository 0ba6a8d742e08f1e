import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { controlClient } from '../../../client/control-client.ts'
import { type Status, status } from '../../../contract/messages/status.ts'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'
import type { Target } from '../registry/client.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
export const cli = join(root, 'dist', 'cli', 'main.mjs')
/** The core's program, which the launcher runs for `zotbar start`. */
export const core = join(root, 'dist', 'core', 'main.mjs')

export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/**
 * An empty home, and real apps and command lines in it, from the bundle that users run. All gone after `end`. `more`
 * adds to the environment; a PATH in it goes before the usual one. `within`: a folder below it, for the home.
 */
export async function createAppRig(config?: object, more: Record<string, string> = {}, within = '') {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-app-'))
  const port = await freePort()
  const configFile = join(folder, '.config', 'zot', 'config.json')
  const data = join(folder, 'zot')
  const env = {
    // 150 MB for each home: `npm test` copies where the copy is what is tested, `npm run test:chaos` everywhere.
    ZOTBAR_ENGINE_COPY: process.env['ZOTBAR_CHAOS'] === '1' ? 'on' : 'off',
    ...more,
    PATH: [more['PATH'], process.env['PATH']].filter(path => path !== undefined).join(':'),
    HOME: folder,
    LANG: 'C.UTF-8',
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    ZOTBAR_HOME: join(folder, within, 'home'),
  }
  const apps: AppProcess[] = []
  const client = () =>
    controlClient({ socketPath: join(env.ZOTBAR_HOME, 'control.sock'), home: env.ZOTBAR_HOME }).zotbar
  const standard = {
    distSpecVersion: '1.1.1',
    storage: { rootDirectory: data },
    http: { address: '127.0.0.1', port: String(port) },
    log: { level: 'info' },
  }

  const rig = {
    folder,
    home: env.ZOTBAR_HOME,
    configFile,
    data,
    port,
    url: `http://127.0.0.1:${port}`,
    configure(next: unknown): void {
      mkdirSync(dirname(configFile), { recursive: true })
      writeFileSync(configFile, typeof next === 'string' ? next : JSON.stringify(next))
    },
    standard,
    /** Starts an app; returns at once. */
    start(args: string[] = []): AppProcess {
      const app = runApp(['start', '--headless', '--json', '--dashboard-port', '0', ...args], env)
      apps.push(app)
      return app
    },
    async serving(args: string[] = []): Promise<AppProcess> {
      const app = rig.start(args)
      await app.reach('serving')
      return app
    },
    zotbar: (...args: string[]): Promise<Ended> => rig.zotbarGiven('', ...args),
    /** With `input` on stdin. */
    zotbarGiven: (input: string, ...args: string[]): Promise<Ended> =>
      new Promise(done => {
        const child = execFile(process.execPath, [cli, ...args], { env }, (error, stdout, stderr) =>
          done({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
        )
        child.stdin?.on('error', () => {})
        child.stdin?.end(input)
      }),
    /** What `zotbar status --json` prints. It is polled, so it costs a process only where no core answers. */
    async status(): Promise<Status> {
      const snapshot = await client().app.snapshot({})
      return snapshot.ok
        ? status(snapshot.value, Date.now())
        : (JSON.parse((await rig.zotbar('status', '--json')).stdout) as Status)
    },
    async end(): Promise<void> {
      for (const app of apps) app.kill('SIGKILL')
      killRecorded(rig.home)
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  rig.configure(config ?? standard)
  return rig
}
export type AppRig = Awaited<ReturnType<typeof createAppRig>>

export interface AppProcess {
  pid: number
  /** The status lines so far. */
  lines: Status[]
  /** The last line of standard output that holds an error, if one was printed. */
  error(): { code: string } | undefined
  stderr(): string
  /** Waits for a line with this state after `from` lines. */
  reach(state: Status['state'], from?: number): Promise<Status>
  kill(signal: NodeJS.Signals): void
  exited: Promise<number | null>
}

function runApp(args: string[], env: NodeJS.ProcessEnv): AppProcess {
  const child: ChildProcess = spawn(process.execPath, ['--disable-sigusr1', core, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let err = ''
  const lines: Status[] = []
  let error: { code: string } | undefined
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    out += text
    for (let end = out.indexOf('\n'); end >= 0; end = out.indexOf('\n')) {
      const line = JSON.parse(out.slice(0, end)) as Status & { error?: { code: string } }
      if (line.error) error = line.error
      else lines.push(line)
      out = out.slice(end + 1)
    }
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  return {
    pid: child.pid ?? -1,
    lines,
    error: () => error,
    stderr: () => err,
    reach: (state, from = 0) =>
      eventually(() => lines.slice(from).find(line => line.state === state), 20_000),
    kill: signal => child.kill(signal),
    exited: new Promise(done => child.on('exit', done)),
  }
}

/** The registry lives on when its app is killed; the record says which process it is. */
function killRecorded(home: string): void {
  try {
    const { pid } = JSON.parse(readFileSync(join(home, 'run', 'registry.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
  } catch {
    // Nothing was started, or it is gone.
  }
}

/** For the pushes of test/integration/registry/client.ts: plain requests to a registry at `url`. */
export const targetAt = (url: string): Target => ({
  async ask(path, { method = 'GET', body, headers = {} } = {}) {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: headers as Record<string, string>,
      ...(body === undefined ? {} : { body: Buffer.from(body as string) }),
      signal: AbortSignal.timeout(5_000),
    })
    const found = {
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Buffer.from(await answer.arrayBuffer()),
    }
    return found as Awaited<ReturnType<Target['ask']>>
  },
})
