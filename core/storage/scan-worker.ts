import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import type { SubFolders } from '../../lib/sub-folders.ts'
import { syncDisk } from './disk.ts'
import type { ScanMessage } from './scan.ts'
import { walkAll } from './walk.ts'

if (!parentPort) throw new Error('this file runs as a worker thread')
const port = parentPort
const { folder, subFolders }: { folder: string; subFolders: SubFolders } = workerData

// On Linux the priority belongs to the calling thread; elsewhere it would slow the whole app down.
if (process.platform === 'linux') setPriority(10)

const send = (message: ScanMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer)

try {
  const unreadable = await walkAll(syncDisk, folder, subFolders, batch => {
    send({ kind: 'batch', batch }, [batch.files.keys.buffer, batch.files.sizes.buffer])
    return true
  })
  send({ kind: 'done', unreadable })
} catch (error) {
  if (errorCode(error) === undefined) throw error
  send({ kind: 'failed', reason: reasonOf(error) })
}
