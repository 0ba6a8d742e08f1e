import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { EngineRow } from '../../contract/runbook.ts'
import type { Engine } from '../platform/engine.ts'
import { createZotInspector } from './known-zots.ts'
import type { OwnEngine } from './own-engine.ts'
import { findZots, verifyWithZot, type ZotLocations, type ZotProgram, zotEngine } from './zot.ts'

/** Which engine, and for zot which file; an empty path means the first that is found. */
export interface EngineSelection {
  id: Engine['id']
  path: string
}

/** The engines of this machine. */
export interface Engines {
  list(current: Engine): Promise<EngineRow[]>
  /** Errors: engine-missing, engine-unusable. */
  locate(selection: EngineSelection): Promise<Result<Engine>>
  /** Has the engine itself check the config file, as before every start. `folder`: relative paths begin there. */
  verify(engine: Engine, configFile: string, folder?: string): Promise<Result<null>>
}

export function createEngines(own: Pick<OwnEngine, 'locate'>, locations: () => ZotLocations): Engines {
  const inspect = createZotInspector()
  return {
    async list(current) {
      const zots = await findZots(locations(), inspect)
      const rows = zots.map(zotRow)
      // A zot behind a link is the one that the link leads to.
      for (const row of rows)
        row.current =
          current.id === 'zot' &&
          (current.command === row.path || current.command === (await realPath(row.path)))
      return [ownRow(await own.locate(), current), ...rows]
    },
    async locate({ id, path }) {
      if (id === 'zotbar-registry') return await own.locate()
      const all =
        path === '' ? await findZots(locations(), inspect) : [await inspect(path, locations().environment)]
      const usable = all.find(zot => zot.usable)
      if (usable) return ok(zotEngine(await resolveCurrentLink(usable.path), usable.version, usable.features))
      const [refused] = all
      return refused?.usable === false
        ? fail({ code: 'engine-unusable', engine: 'zot', path: refused.path, reason: refused.reason })
        : fail({ code: 'engine-missing', path: 'zot' })
    },
    async verify(engine, configFile, folder) {
      if (engine.id === 'zotbar-registry') {
        const located = await own.locate()
        return located.ok ? ok(null) : located
      }
      const { environment } = locations()
      return verifyWithZot(await inspect(engine.command, environment), configFile, environment, { folder })
    },
  }

  /**
   * Resolves the link that an upgrade switches, because a running process is recognized by its file, wherever the link
   * leads later.
   */
  async function resolveCurrentLink(path: string): Promise<string> {
    return path.startsWith(join(locations().home, 'engines', 'zot', 'current') + sep) ? realPath(path) : path
  }
}

const zotRow = (zot: ZotProgram): EngineRow => {
  const { path, usable } = zot
  const row = { id: 'zot' as const, path, current: false, usable }
  if (!usable) return { ...row, reason: zot.reason }
  return { ...row, ...(zot.version === undefined ? {} : { version: zot.version }) }
}

function ownRow(located: Result<Engine>, current: Engine): EngineRow {
  const id = 'zotbar-registry'
  const isCurrent = current.id === id
  if (!located.ok) {
    const { title, steps } = failureMessage(located.error)
    const path = 'path' in located.error ? String(located.error.path) : id
    return { id, path, current: isCurrent, usable: false, reason: [title, ...steps].join(' ') }
  }
  const { args, command, version } = located.value
  return {
    id,
    ...(version === undefined ? {} : { version }),
    path: args[0] ?? command,
    current: isCurrent,
    usable: true,
  }
}

const realPath = (path: string): Promise<string> => realpath(path).catch(() => path)
