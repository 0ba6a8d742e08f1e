import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Engine } from '../platform/engine.ts'
import type { EngineFiles } from './engine-copy.ts'

const bundlePath = join('registry', 'zotbar-registry.mjs')

/**
 * Where the package has the embedded engine, and the Node that runs it, which is the core's own. A bundle that is not
 * there is named by the path that was expected.
 * @param codeFolder of the running code: that of the bundle, or core/engine where the sources run
 * @param execPath the program that runs us
 */
export function packagedEngine(codeFolder: string, execPath: string): EngineFiles {
  const above = [codeFolder, dirname(codeFolder), dirname(dirname(codeFolder))]
  const candidates = above.flatMap(folder => [join(folder, bundlePath), join(folder, 'dist', bundlePath)])
  const bundle = candidates.find(path => existsSync(path))
  return { node: execPath, bundle: bundle ?? join(dirname(dirname(codeFolder)), 'dist', bundlePath) }
}

interface Installed extends EngineFiles {
  /** ZOTBAR_HOME: Node's compile cache is in it. */
  home: string
  /** Zotbar's version, and the engine's, which is shipped with it. */
  version: string
}

/** The embedded engine, zotbar-registry, as it is run from these files. */
export const zotbarRegistry = ({ home, version, node, bundle }: Installed): Engine => ({
  id: 'zotbar-registry',
  command: node,
  args: [bundle, 'serve'],
  // Compiled code is cached between starts, which halves the time to the first answer.
  environment: { NODE_COMPILE_CACHE: join(home, 'cache', 'node') },
  version,
  drainsItself: true,
  livenessPath: '/livez',
})
