import type { Caller } from '../../contract/caller.ts'
import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { ConfigRestored } from '../../contract/last-config.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { createAtomic } from '../../lib/atomic-file.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { applyEdit } from '../advisories/apply-edit.ts'
import type { Engine } from '../platform/engine.ts'
import type { ComparedConfig, LastConfigStore } from '../registry-config/last-config.ts'
import type { Runs } from '../runbook/runs.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'

interface Deps {
  configFile: string
  store: Pick<LastConfigStore, 'compare'>
  engine(): Engine
  supervisor: Pick<Supervisor, 'state' | 'start' | 'stop'>
  runs: Pick<Runs, 'exclusively'>
  now(): number
  log(message: string, data?: Record<string, unknown>): void
}

/** The commands about the config.json that last started. */
export function configHandlers(deps: Deps): ZotbarHandlers['config'] {
  const { configFile: file, store, supervisor } = deps

  async function compared(): Promise<Result<ComparedConfig>> {
    const last = await store.compare(deps.engine().id)
    return last === undefined ? fail({ code: 'no-other-config', file }) : ok(last)
  }

  return {
    async last() {
      const last = await compared()
      if (!last.ok) return last
      const { at, engine, diff, id } = last.value
      return ok({ file, at, engine, ...(diff === undefined || id === undefined ? {} : { diff, id }) })
    },
    // A run that begins while the registry drains would meet a stopped registry and another config.json.
    restore: ({ id }, caller) =>
      deps.runs.exclusively('the return to the config that last started', () => restore(id, caller)),
  }

  async function restore(id: string | undefined, caller: Caller): Promise<Result<ConfigRestored>> {
    const last = await compared()
    if (!last.ok) return last
    const { at, diff } = last.value
    if (diff === undefined) return fail({ code: 'no-other-config', file, at })
    if (id !== undefined && id !== last.value.id) return fail({ code: 'config-edited-meanwhile', file })
    const wasStopped = supervisor.state().kind === 'stopped'
    // Nothing may read it while it is written.
    const stopped = await supervisor.stop()
    const restored = stopped.ok ? await writeBack(file, last.value, deps.now()) : stopped
    if (!restored.ok) {
      if (!wasStopped && stopped.ok) void supervisor.start()
      return restored
    }
    deps.log('the config that last started is used again', { by: caller, ...restored.value })
    const started = await supervisor.start()
    return ok({ file, at, ...restored.value, ...(started.ok ? {} : { failure: started.error }) })
  }
}

/** In place, with the text of now beside it; a file that is missing is made anew. */
async function writeBack(
  file: string,
  { now, text, mode }: ComparedConfig,
  at: number,
): Promise<Result<{ keptAs?: string }>> {
  if (now !== undefined) {
    const applied = await applyEdit({ file, before: now, after: text }, `restore-${stamp(at)}`)
    return applied.ok
      ? ok(applied.value.keptAs === undefined ? {} : { keptAs: applied.value.keptAs })
      : applied
  }
  try {
    const isMade = await createAtomic(file, text, mode)
    return isMade ? ok({}) : fail({ code: 'config-edited-meanwhile', file })
  } catch (error) {
    return fail({ code: 'file-unusable', path: file, reason: reasonOf(error) })
  }
}

/** "20260301T120000Z". */
const stamp = (at: number): string => new Date(at).toISOString().replace(/[-:]|\.\d+/g, '')
