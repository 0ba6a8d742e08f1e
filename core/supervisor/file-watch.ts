import { type FSWatcher, statSync, watch } from 'node:fs'
import type { Clock } from '../../lib/clock.ts'

/** How often the file is looked at all the same, ms: a watch ends when somebody replaces the file. */
const safety = 5000
/** The same where the system gives no watch. */
const polling = 500

/** Calls back when a file changes; several changes may make one call. Answers the end of it. */
export function watchFile(file: string, clock: Clock, onChange: () => void): () => void {
  let watcher: FSWatcher | undefined
  let seen = facts(file)
  let cancel = () => {}

  function arm() {
    watcher?.close()
    watcher = undefined
    try {
      watcher = watch(file, { persistent: false }, () => onChange())
      watcher.on('error', () => {
        watcher?.close()
        watcher = undefined
      })
    } catch {
      // Not there, or no more watches to be had: looked at below.
    }
  }
  function look() {
    const before = seen
    seen = facts(file)
    if (watcher === undefined || seen.inode !== before.inode) arm()
    if (seen.inode !== before.inode || seen.size !== before.size || seen.changed !== before.changed)
      onChange()
    cancel = clock.setTimer(clock.now() + (watcher === undefined ? polling : safety), look)
  }
  arm()
  cancel = clock.setTimer(clock.now() + (watcher === undefined ? polling : safety), look)
  return () => {
    cancel()
    watcher?.close()
  }
}

function facts(file: string) {
  const found = statSync(file, { throwIfNoEntry: false })
  return { inode: found?.ino, size: found?.size, changed: found?.mtimeMs }
}
