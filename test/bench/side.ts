import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { freePort } from '../setup/free-port.ts'
import { untilAnswer } from './answer.ts'
import { onPath, type Workspace } from './workspace.ts'

/** A registry that can be measured: ours, or the peer. */
export interface Side {
  name: string
  /** How it lays out its data folder. */
  layout: 'zot' | 'distribution'
  /** Starts it on a folder, which it may have served before; resolves once it answers. */
  start(work: Workspace, folder: string): Promise<Server>
}

export interface Server {
  /** http://127.0.0.1:PORT */
  url: string
  pid: number
  /** `performance.now()` of the spawn. */
  spawnedAt: number
  /** From spawn to the first 200 on /v2/, s. */
  startSeconds: number
  stop(): Promise<void>
}

const root = join(import.meta.dirname, '..', '..')

/** What only our engine understands: parts of config.json, flags of Node, environment. */
interface EngineOptions {
  settings?: Settings
  nodeOptions?: string[]
  environment?: Record<string, string>
}

/** Keys of config.json that are laid over the usual ones. */
export interface Settings {
  storage?: Record<string, unknown>
  http?: Record<string, unknown>
}

export interface Engine {
  start(work: Workspace, folder: string, options?: EngineOptions): Promise<Server>
}

/** Our engine as bundled, or from its source where it is not; undefined where there is neither. */
export function ourEngine(): Engine | undefined {
  const file = [join(root, 'dist/registry/zotbar-registry.mjs'), join(root, 'registry/main.ts')].find(
    existsSync,
  )
  if (file === undefined) return undefined
  return {
    async start(work, folder, { settings = {}, nodeOptions = [], environment = {} } = {}) {
      const port = await freePort()
      const config = join(folder, 'config.json')
      await writeFile(config, registryConfig(join(folder, 'data'), port, 'error', settings))
      const args = [...nodeOptions, file, 'serve', config]
      return serve(work, folder, port, process.execPath, args, environment)
    },
  }
}

/** Our engine with its defaults. */
export const oursSide = (engine: Engine): Side => ({
  name: 'zotbar-registry',
  layout: 'zot',
  start: (work, folder) => engine.start(work, folder),
})

export function registryConfig(
  data: string,
  port: number,
  level?: 'error',
  { storage, http }: Settings = {},
): string {
  return JSON.stringify({
    storage: { rootDirectory: data, ...storage },
    http: { address: '127.0.0.1', port: String(port), ...http },
    ...(level ? { log: { level } } : {}),
  })
}

/** Debian's docker-registry with the cache of its packaged configuration, or undefined. */
export function peerSide(): Side | undefined {
  const program = onPath('docker-registry')
  if (program === undefined) return undefined
  return {
    name: 'docker-registry',
    layout: 'distribution',
    async start(work, folder) {
      const port = await freePort()
      const config = join(folder, 'config.yml')
      // JSON is YAML.
      const settings = {
        version: 0.1,
        log: { level: 'error', accesslog: { disabled: true } },
        storage: {
          filesystem: { rootdirectory: join(folder, 'data') },
          cache: { blobdescriptor: 'inmemory' },
          delete: { enabled: true },
          maintenance: { uploadpurging: { enabled: false } },
        },
        http: { addr: `127.0.0.1:${port}`, secret: 'bench' },
      }
      await writeFile(config, JSON.stringify(settings))
      return serve(work, folder, port, program, ['serve', config])
    },
  }
}

async function serve(
  work: Workspace,
  folder: string,
  port: number,
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Server> {
  const log = join(folder, 'output.log')
  const url = `http://127.0.0.1:${port}`
  const started = performance.now()
  const child = work.start(command, args, { cwd: folder, log, env })
  let ended: string | undefined
  child.on('error', error => {
    ended = error.message
  })
  child.on('exit', (code, signal) => {
    ended = `it ended (${signal ?? code})`
  })
  const answered = await untilAnswer(`${url}/v2/`, { lost: () => ended }).catch(async error => {
    throw new Error(`${command} does not serve: ${error.message}\n${await readFile(log, 'utf8')}`)
  })
  return {
    url,
    pid: child.pid ?? 0,
    spawnedAt: started,
    startSeconds: (answered - started) / 1000,
    stop: () => work.end(child),
  }
}
