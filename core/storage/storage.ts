import { rootOf } from '../../lib/sub-folders.ts'
import { isRepositoryName } from '../platform/repository-name.ts'
import { asyncDisk } from './disk.ts'
import { FullCount } from './full-count.ts'
import { createHistory } from './history.ts'
import { historyFile } from './history-file.ts'
import { PeriodicRefresh } from './periodic-refresh.ts'
import { Recount } from './recount.ts'
import { sampleIn } from './repository-reader.ts'
import { RepositoryRefresh } from './repository-refresh.ts'
import type { Storage, StorageOptions } from './storage-api.ts'
import { StoreStatus } from './store-status.ts'
import { createTraffic } from './traffic.ts'
import { createUploadWatch } from './upload-watch.ts'
import { isRefusedForSpace, parseWrite, type Write } from './writes.ts'

export type { Storage } from './storage-api.ts'

/**
 * How full the store is. It is counted once in the background; after that only those repositories are read again that
 * the engine reports as written, by its events or its log. Recounts find every other change by the times of the folders:
 * every few minutes, and more often when the engine has no events.
 */
export function createStorage(options: StorageOptions): Storage {
  const { clock, log } = options
  const history = createHistory({
    file: historyFile(options.home, { now: () => clock.now(), report: options.report }),
    log,
  })
  const traffic = createTraffic(clock)
  const status = new StoreStatus({ ...options, history })
  const repositories = new RepositoryRefresh({ clock, status })
  const fullCount = new FullCount({ ...options, status, repositories })
  const recount = new Recount({ clock, log, status, fullCount, repositories })
  const refresh = new PeriodicRefresh({ clock, status, fullCount, recount })

  const refreshSpace = async (): Promise<void> => {
    const { folder } = status
    if (folder === undefined) return
    await status.readSpace(folder)
    status.notify()
  }

  const recordWrite = (write: Write): void => {
    const { kind, repository } = write
    if (!isRepositoryName(repository)) return
    if (traffic.record(write)) status.notify()
    if (kind === 'uploading') return
    fullCount.noteWrite(repository)
    if (status.count) repositories.mark(repository)
  }

  return {
    state: () => status.state(options.dataFolder(), fullCount.isRunning()),
    pushes: traffic.pushes,
    readLogLine: text => {
      if (isRefusedForSpace(text)) void refreshSpace()
      const write = parseWrite(text)
      if (write) recordWrite(write)
    },
    recordWrite,
    refreshSpace: () => void refreshSpace(),
    recount: reason => recount.run(reason),
    setFrequentRecounts: isWanted => recount.setFrequent(isWanted),
    scan: () => fullCount.begin(),
    forget: () => fullCount.forget(),
    repositories: () => status.count?.ledger.samples(),
    readDigest: async name => {
      const { folder, subFolders } = status
      if (folder === undefined) return undefined
      return sampleIn(asyncDisk, `${rootOf(folder, subFolders, name)}/${name}`)
    },
    ...createUploadWatch({ ...options, status, traffic }),
    onChange: listener => status.onChange(listener),
    close: async () => {
      status.close()
      refresh.close()
      repositories.close()
      recount.close()
      // The history is in the home, so it is written even when the data folder never answers again.
      await Promise.all([fullCount.end(), history.close()])
    },
  }
}
