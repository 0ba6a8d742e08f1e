import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { eventually } from '../../fakes/eventually.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** What was built, with a Node and the keychain's addon, in a folder that a test may take away. */
export interface Package {
  folder: string
  node: string
  remove(): void
}

/** `build`: what the copy says it is. */
export function copyPackage(folder: string, build?: string): Package {
  mkdirSync(join(folder, 'node', 'bin'), { recursive: true })
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(root, 'node_modules', 'keytar'), join(folder, 'node_modules', 'keytar'), { recursive: true })
  const identity = join(folder, 'dist', 'build.json')
  const built: object = JSON.parse(readFileSync(identity, 'utf8'))
  if (build !== undefined) writeFileSync(identity, JSON.stringify({ ...built, build }))
  const node = join(folder, 'node', 'bin', 'node')
  try {
    linkSync(realpathSync(process.execPath), node)
  } catch {
    // Another volume.
    copyFileSync(process.execPath, node)
  }
  return { folder, node, remove: () => rmSync(folder, { recursive: true }) }
}

export interface StateLine {
  state: string
  headline: string
  reason?: string
  registry: { url: string; pid?: number }
  dashboard?: { url: string }
}

export interface RunningCore {
  process: ChildProcess
  environment: Record<string, string>
  /** The newest line for which `wanted` holds, now or later. */
  line(wanted: (line: StateLine) => boolean): Promise<StateLine>
  /** Ends it; answers its exit code. */
  quit(): Promise<number | null>
}

/** `zotbar start --json` of a package, with its home and its user's home in `folder`. */
export function startCore(from: Package, folder: string, config: object): RunningCore {
  mkdirSync(folder, { recursive: true })
  const configFile = join(folder, 'config.json')
  writeFileSync(configFile, JSON.stringify(config))
  const environment = { HOME: folder, ZOTBAR_HOME: join(folder, 'home'), PATH: process.env['PATH'] ?? '' }
  const main = join(from.folder, 'dist', 'core', 'main.mjs')
  const args = ['--disable-sigusr1', main, 'start', '--json', '--config', configFile, '--dashboard-port', '0']
  const child = spawn(from.node, args, {
    env: environment,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  let last: StateLine | undefined
  createInterface({ input: child.stdout }).on('line', text => {
    last = JSON.parse(text)
  })
  return {
    process: child,
    environment,
    line: wanted =>
      eventually(() => {
        if (child.exitCode !== null)
          throw new Error(`the core ended with ${child.exitCode}: ${JSON.stringify(last)}`)
        return last?.registry !== undefined && wanted(last) ? last : undefined
      }),
    async quit() {
      child.kill('SIGTERM')
      const [code] = await ended
      return code
    },
  }
}

/** A verb of the command line of the checkout: another copy of Zotbar than the one that runs. */
export function zotbar(environment: Record<string, string>, ...args: string[]): unknown {
  const cli = join(root, 'dist', 'cli', 'main.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [cli, ...args, '--json'], {
    env: environment,
    encoding: 'utf8',
  })
  if (stdout === '') throw new Error(`zotbar ${args.join(' ')}: ${stderr}`)
  return JSON.parse(stdout)
}
