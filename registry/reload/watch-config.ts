import { readFile } from 'node:fs/promises'
import { type WatchOptions, watchFiles } from './watch-file.ts'

/**
 * Calls `onChange` whenever config.json has another content than before, in the file or in its place. A
 * file that is being written is waited for: two readings have to agree. One that is gone says nothing: it
 * is about to be replaced, or somebody will miss it. Answers how to stop.
 * @param initial the content that is in force
 */
export function watchConfig(
  file: string,
  initial: string,
  onChange: (text: string) => void | Promise<void>,
  options: WatchOptions = {},
): () => void {
  const pause = options.settleFor ?? 100
  let last = initial
  let reading = false
  let again = false
  let stopped = false

  const read = async (): Promise<void> => {
    if (reading) {
      again = true
      return
    }
    reading = true
    do {
      again = false
      const text = await stableText()
      if (stopped) return
      if (text === undefined || text === last) continue
      last = text
      await onChange(text)
    } while (again)
    reading = false
  }

  /** Ends when two readings in a row agree and there is something in them. */
  const stableText = async (): Promise<string | undefined> => {
    let before: string | undefined
    for (let turn = 0; turn < 20 && !stopped; turn++) {
      const text = await readFile(file, 'utf8').catch(() => undefined)
      if (text !== undefined && text === before) return text
      before = text
      await new Promise(done => setTimeout(done, pause))
    }
    return before
  }

  const begin = (): boolean => {
    void read()
    return true
  }
  const stop = watchFiles([file], begin, options)
  // What changed before anybody watched.
  begin()
  return () => {
    stopped = true
    stop()
  }
}
