import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { afterEach, beforeEach } from 'vitest'
import { readKeeper } from '../../../lib/keeper-file.ts'
import { processExists } from '../../../lib/process-exists.ts'
import { eventually } from '../../fakes/eventually.ts'
import { freePort } from '../../setup/free-port.ts'

const root = join(import.meta.dirname, '../../..')

export interface Status {
  state: string
  registry: { pid?: number }
}

/** Node's arguments for the app of a build. */
export const appProgram = (dist: string): string[] => [
  '--import',
  join(root, 'test/fakes/electron-hooks.mjs'),
  join(dist, 'main/main.mjs'),
]

/** The built app on plain Node, with the core that it starts: everything is real but Electron itself. */
export function entryRig() {
  const rig = { folder: '', home: '', port: 0, configFile: '' }
  const running: ChildProcessByStdio<Writable, Readable, Readable>[] = []
  const cores = new Set<number>()
  const registries = new Set<number>()

  beforeEach(async () => {
    rig.folder = await mkdtemp(join(tmpdir(), 'zotbar-entry-'))
    rig.home = join(rig.folder, 'home')
    rig.port = await freePort()
    rig.configFile = join(rig.folder, 'config.json')
    await writeConfig()
  })
  afterEach(async () => {
    for (const child of running.splice(0)) child.kill('SIGKILL')
    notePids()
    await noteRegistry()
    // Without the app a core that is killed is started by nobody.
    for (const pid of [...cores, ...registries]) if (processExists(pid)) process.kill(pid, 'SIGKILL')
    await eventually(() => [...cores, ...registries].every(pid => !processExists(pid)))
    cores.clear()
    registries.clear()
    await rm(rig.folder, { recursive: true, force: true })
  })

  const environment = (env: Record<string, string> = {}) => ({
    ...process.env,
    HOME: rig.folder,
    ZOTBAR_HOME: rig.home,
    ...env,
  })
  const writeConfig = (): Promise<void> =>
    writeFile(
      rig.configFile,
      JSON.stringify({
        storage: { rootDirectory: join(rig.folder, 'data') },
        http: { address: '127.0.0.1', port: String(rig.port) },
      }),
    )

  function notePids(): void {
    const pid = readKeeper(rig.home)?.pid
    if (pid !== undefined) cores.add(pid)
  }
  async function noteRegistry(): Promise<void> {
    const record: unknown = JSON.parse(
      await readFile(join(rig.home, 'run', 'registry.json'), 'utf8').catch(() => '{}'),
    )
    const { pid } = Object(record)
    if (typeof pid === 'number') registries.add(pid)
  }

  function run(args: string[], env: Record<string, string> = {}) {
    const child = spawn(process.execPath, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environment(env),
    })
    running.push(child)
    const said: Record<string, unknown>[] = []
    let words = ''
    createInterface({ input: child.stdout }).on('line', line => {
      if (line.startsWith('{')) said.push(JSON.parse(line))
    })
    child.stderr.on('data', data => {
      words += String(data)
    })
    const ended = new Promise<number | null>(resolve => child.on('exit', resolve))
    return {
      child,
      ended,
      words: () => words,
      /** Waits for the first thing said of this kind, after `from` things, that fits. */
      saw: (key: string, value: unknown, from = 0) =>
        eventually(() => said.slice(from).find(each => JSON.stringify(each[key]) === JSON.stringify(value))),
      last: (key: string) => said.findLast(each => key in each)?.[key],
      count: () => said.length,
      say: (line: string) => child.stdin.write(`${line}\n`),
    }
  }

  return {
    ...rig,
    get folder() {
      return rig.folder
    },
    get home() {
      return rig.home
    },
    get port() {
      return rig.port
    },
    get configFile() {
      return rig.configFile
    },
    writeConfig,
    /** `program`: Node's arguments for the app, where another one than the built app is to run. */
    start(
      args: string[] = ['--config', rig.configFile],
      env: Record<string, string> = {},
      program: string[] = appProgram(join(root, 'dist')),
    ) {
      return run([...program, ...args], env)
    },
    /** A core in the foreground, as `zotbar start` runs it. */
    startCore: () =>
      run([
        join(root, 'dist/core/main.mjs'),
        'start',
        '--json',
        '--config',
        rig.configFile,
        '--dashboard-port',
        '0',
      ]),
    /** The pid of the core that means to run; undefined where none does. */
    corePid() {
      notePids()
      return readKeeper(rig.home)?.pid
    },
    answers: () =>
      fetch(`http://127.0.0.1:${rig.port}/v2/`).then(
        response => response.status,
        () => 0,
      ),
    /** What `zotbar status --json` says. */
    status: () =>
      new Promise<Status>((resolve, reject) => {
        execFile(
          process.execPath,
          [join(root, 'dist/cli/main.mjs'), 'status', '--json'],
          { env: environment() },
          (_, out) => {
            try {
              resolve(JSON.parse(out))
            } catch (error) {
              reject(error)
            }
          },
        )
      }).then(async status => {
        await noteRegistry()
        return status as Status
      }),
  }
}
