import { type FSWatcher, statSync, watch } from 'node:fs'
import type { Clock } from '../../lib/clock.ts'

/** The file is checked this often beside the watch, because a watch ends when the file is replaced. */
const checkIntervalMs = 5000
/** The same where the system gives no watch. */
const pollIntervalMs = 500

/** Calls back when a file changes; several changes may make one call. Answers how to end the watch. */
export function watchFile(file: string, clock: Clock, onChange: () => void): () => void {
  let watcher: FSWatcher | undefined
  let state = stateOf(file)
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
      // The file is missing or the system has no more watches: it is polled below.
    }
  }
  function check() {
    const before = state
    state = stateOf(file)
    if (watcher === undefined || state.inode !== before.inode) arm()
    if (state.inode !== before.inode || state.size !== before.size || state.modifiedAt !== before.modifiedAt)
      onChange()
    checkLater()
  }
  function checkLater() {
    cancel = clock.setTimer(clock.now() + (watcher === undefined ? pollIntervalMs : checkIntervalMs), check)
  }
  arm()
  checkLater()
  return () => {
    cancel()
    watcher?.close()
  }
}

function stateOf(file: string) {
  const stats = statSync(file, { throwIfNoEntry: false })
  return { inode: stats?.ino, size: stats?.size, modifiedAt: stats?.mtimeMs }
}
