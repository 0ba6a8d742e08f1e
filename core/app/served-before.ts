import type { EngineChoice, ZotBefore } from '../../contract/undecided.ts'
import type { FolderWatch } from '../data-folder/folder-watch.ts'
import type { Engine } from '../platform/engine.ts'

/** Who served the data folder until now, as far as it is known. */
export interface ServedBefore {
  servedLast(): Promise<Engine['id'] | undefined>
  /** The program of the zot that served last; undefined where that was another engine. */
  servedBy(): Promise<string | undefined>
  /** The zot that served it last, whatever serves it now. */
  lastZot(): Promise<Partial<ZotBefore> | undefined>
}

export function createServedBefore(
  folderWatch: Pick<FolderWatch, 'recorded'>,
  choice: () => Promise<EngineChoice | undefined>,
): ServedBefore {
  const last = async () => (await folderWatch.recorded())?.servedBy
  return {
    servedLast: async () => (await last())?.engine,
    async servedBy() {
      const was = await last()
      return was?.engine === 'zot' ? was.program : undefined
    },
    async lastZot() {
      const was = await last()
      return was?.engine === 'zot' ? was : (await choice())?.lastZot
    },
  }
}
