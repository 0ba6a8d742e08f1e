import { ok, type Result } from '../../contract/result.ts'
import type { AppLog } from '../../lib/app-log.ts'
import { builtRegistry, thisBuild } from '../../lib/build.ts'
import { childEnvironment } from '../../lib/child-environment.ts'
import { createEngines, type Engines } from '../engine/engines.ts'
import { createOwnEngine, type OwnEngine, type OwnEngineOptions } from '../engine/own-engine.ts'
import { zotEngine } from '../engine/zot.ts'
import { packagedEngine } from '../engine/zotbar-registry.ts'
import type { Engine } from '../platform/engine.ts'
import type { Settings } from '../settings/settings.ts'

interface OpenEngines {
  engines: Engines
  ownEngine: OwnEngine
  /** The one that the settings name. */
  engine: Engine
}

/** The engines of this machine. Errors: those of the embedded one, without which nothing is started. */
export async function openEngines(
  home: string,
  settings: Settings,
  log: AppLog,
): Promise<Result<OpenEngines>> {
  const ownEngine = createOwnEngine({
    home,
    version: thisBuild().version,
    packaged: packagedEngine(import.meta.dirname, process.execPath),
    build: ownBuild(),
    log: log.info,
  })
  const own = await ownEngine.locate()
  if (!own.ok) return own
  const engines = createEngines(ownEngine, () => ({
    named: settings.get('engine.path'),
    home,
    environment: childEnvironment(process.env),
  }))
  if (settings.get('engine') === 'zotbar-registry') return ok({ engines, ownEngine, engine: own.value })
  const path = settings.get('engine.path')
  const zot = await engines.locate({ id: 'zot', path })
  // A zot that is not there is reported by the first start: the core is needed to choose another engine.
  return ok({ engines, ownEngine, engine: zot.ok ? zot.value : zotEngine(path || 'zot', undefined) })
}

/**
 * The name of the engine's copy: of what was built, and of the Node that runs it. Undefined where none is to be made: from
 * the sources, or with ZOTBAR_ENGINE_COPY=off in the environment.
 */
function ownBuild(): OwnEngineOptions['build'] {
  const bundleSha256 = builtRegistry()
  if (bundleSha256 === undefined || process.env['ZOTBAR_ENGINE_COPY'] === 'off') return undefined
  const { arch, platform, versions } = process
  return { name: `${thisBuild().build}-node${versions.node}-${platform}-${arch}`, bundleSha256 }
}
