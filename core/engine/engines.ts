import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { EngineRow } from '../../contract/runbook.ts'
import type { Engine } from '../platform/engine.ts'
import { findZots, inspectZot, verifyWithZot, type ZotLocations, zotEngine } from './zot.ts'

/** Which engine, and for zot which file; an empty path means the first that is found. */
export interface EngineSelection {
  id: Engine['id']
  path: string
}

/** The engines of this machine. */
export interface Engines {
  list(current: Engine): Promise<EngineRow[]>
  /** Errors: engine-missing, engine-unusable. */
  locate(choice: EngineSelection): Promise<Result<Engine>>
  /** What the engine itself says about the config file, as before every start. `folder`: what relative paths start from. */
  verify(engine: Engine, configFile: string, folder?: string): Promise<Result<null>>
}

export function createEngines(own: Engine, places: () => ZotLocations): Engines {
  return {
    async list(current) {
      const [bundle = own.command] = own.args
      const mine: EngineRow = {
        id: own.id,
        ...(own.version === undefined ? {} : { version: own.version }),
        path: bundle,
        current: current.id === own.id,
        usable: true,
      }
      const zots = await findZots(places())
      const rows = zots.map(
        (zot): EngineRow => ({
          id: 'zot',
          ...zot,
          current: false,
        }),
      )
      // One that is reached by a link is the one that it leads to.
      for (const row of rows)
        row.current =
          current.id === 'zot' && (current.command === row.path || current.command === (await real(row.path)))
      return [mine, ...rows]
    },
    async locate({ id, path }) {
      if (id === 'zotbar-registry') return ok(own)
      const all = path === '' ? await findZots(places()) : [await inspectZot(path, places().environment)]
      const usable = all.find(zot => zot.usable)
      if (usable) return ok(zotEngine(await behindLink(usable.path), usable.version))
      const [refused] = all
      return refused?.usable === false
        ? fail({ code: 'engine-unusable', engine: 'zot', path: refused.path, reason: refused.reason })
        : fail({ code: 'engine-missing', path: 'zot' })
    },
    async verify(engine, configFile, folder) {
      if (engine.id === 'zotbar-registry') return ok(null)
      return verifyWithZot(engine.command, configFile, places().environment, { folder })
    },
  }

  /**
   * The link that an upgrade turns is followed at once: a process that runs is known by its file, wherever the link leads
   * by then.
   */
  async function behindLink(path: string): Promise<string> {
    return path.startsWith(join(places().home, 'engines', 'zot', 'current') + sep) ? real(path) : path
  }
}

const real = (path: string): Promise<string> => realpath(path).catch(() => path)
