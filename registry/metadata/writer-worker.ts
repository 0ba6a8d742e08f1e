import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import { runAll, type Statement } from './database.ts'

// The thread that writes a metadata file: {id, statements} in, {id, error} out. Here a slow disk keeps nobody waiting
// but those who asked for the write.
const { file }: { file: string } = workerData
const database = new DatabaseSync(file, { timeout: 5000 })
database.exec('PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')

parentPort?.on('message', (job: { id: number; statements: readonly Statement[] } | 'close') => {
  if (job === 'close') {
    database.close()
    parentPort?.close()
    return
  }
  try {
    runAll(database, job.statements)
    parentPort?.postMessage({ id: job.id })
  } catch (error) {
    parentPort?.postMessage({ id: job.id, error: error instanceof Error ? error.message : String(error) })
  }
})
