import { writeFile } from 'node:fs/promises'
import { runWell } from './program.ts'

/** Empties the system's page cache. False where the system does not let us: not Linux, or not root. */
export async function dropCaches(): Promise<boolean> {
  await runWell('sync', [])
  return writeFile('/proc/sys/vm/drop_caches', '3').then(
    () => true,
    () => false,
  )
}
