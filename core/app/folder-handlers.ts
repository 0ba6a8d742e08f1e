import type { ZotbarHandlers } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import { checkVolume } from '../platform/volume.ts'
import type { Target } from '../registry-config/preflight.ts'
import type { Storage } from '../storage/storage.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { DataFolder } from './data-folder.ts'
import type { EngineDecision } from './engine-decision.ts'
import type { HolderCheck } from './holder-check.ts'

interface Deps {
  folder: Pick<DataFolder, 'folderWatch' | 'facts' | 'compare'>
  decision: Pick<EngineDecision, 'choice'>
  supervisor: Pick<Supervisor, 'state' | 'start' | 'restart'>
  storage: Pick<Storage, 'forget' | 'scan'>
  checkHolders: HolderCheck
  log(message: string, data?: Record<string, unknown>): void
  snapshot(): Snapshot
}

/** The commands about the data folder. */
export function folderHandlers(deps: Deps): ZotbarHandlers['data'] {
  const { supervisor, storage } = deps
  const { folderWatch, facts, compare } = deps.folder

  return {
    async show() {
      const now = await compare()
      if (!now.ok) return now
      const { target, compared } = now.value
      const was = await folderWatch.recorded()
      const choice = await deps.decision.choice()
      return ok({
        same: compared.same,
        found: await facts.inspect(target),
        ...(compared.same ? {} : { difference: compared.difference }),
        ...(was === undefined ? {} : { was }),
        ...(choice === undefined ? {} : { choice }),
      })
    },
    async accept(_, caller): Promise<Result<Snapshot>> {
      const now = await compare()
      if (!now.ok) return now
      const { target, compared } = now.value
      if (compared.same) return fail(nothingToAccept(target.dataFolder, supervisor.state()))
      const there = await allThere(target)
      if (!there.ok) return there
      // What serves is not stopped for a folder, or a port, that another process has.
      const free = supervisor.state().kind === 'serving' ? await deps.checkHolders() : ok(null)
      if (!free.ok) return free
      const accepted = await folderWatch.accept({ root: target.dataFolder, subs: target.subFolders })
      if (!accepted.ok) return accepted
      deps.log('another data folder is accepted', { folder: target.dataFolder, by: caller })
      // At the same path the known figures are of the folder before.
      if (compared.difference !== 'path' || compared.folder !== target.dataFolder) storage.forget()
      const { kind } = supervisor.state()
      const isOpen = kind === 'undecided' || kind === 'failed'
      if (isOpen || kind === 'serving') {
        // The folder before is served until now: that ends as with any restart, pushes are finished.
        const started = isOpen ? await supervisor.start() : await supervisor.restart({ now: false })
        // Until it was accepted its content was not to be counted.
        void storage.scan()
        if (!started.ok) return started
      }
      return ok(deps.snapshot())
    },
  }
}

/** The engine would make what is not there: on an unmounted disk that is a folder of the disk below it. */
async function allThere({ dataFolder, subFolders }: Target): Promise<Result<null>> {
  for (const folder of [dataFolder, ...Object.values(subFolders)]) {
    const there = await checkVolume(folder)
    if (!there.ok) return there
    if (!there.value.present) return fail({ code: 'data-folder-missing', path: folder })
  }
  return ok(null)
}

/** What is open may be which program serves the folder, not which folder it is. */
const nothingToAccept = (folder: string, state: ProcessState): Failure => ({
  code: 'nothing-to-accept',
  folder,
  ...(state.kind === 'undecided' && state.why !== 'other-folder' ? { commands: state.commands } : {}),
})
