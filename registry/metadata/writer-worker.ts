import { DatabaseSync } from 'node:sqlite'
import { parentPort } from 'node:worker_threads'
import { runAll, type WriterJob } from './database.ts'

// The thread that writes metadata files: a job in, {id, error} out. Here a slow disk keeps nobody waiting but those
// who asked for the write.
const databases = new Map<string, DatabaseSync>()

function databaseOf({ file, durability }: WriterJob): DatabaseSync {
  let database = databases.get(file)
  if (!database) {
    database = new DatabaseSync(file, { timeout: 5000 })
    database.exec(`PRAGMA synchronous = ${durability}; PRAGMA foreign_keys = ON`)
    databases.set(file, database)
  }
  return database
}

/** A closed file is whole: everything in its journal is written to it. */
function closeAll(): void {
  for (const database of databases.values()) {
    try {
      database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    } catch {
      // It stays in the journal, from where it is read.
    }
    database.close()
  }
  parentPort?.close()
}

parentPort?.on('message', (job: WriterJob | 'close') => {
  if (job === 'close') return closeAll()
  try {
    runAll(databaseOf(job), job.statements)
    parentPort?.postMessage({ id: job.id })
  } catch (error) {
    parentPort?.postMessage({ id: job.id, error: error instanceof Error ? error.message : String(error) })
  }
})
