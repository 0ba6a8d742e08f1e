import { type FSWatcher, statSync, watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'

export interface WatchOptions {
  /** Events come in bunches, and writers take a moment, ms. */
  readonly settleForMs?: number
  /** For file systems without events, and for links whose target changes, ms. */
  readonly lookEveryMs?: number
}

/**
 * Calls `changed` after any of the files was written in place or replaced. The folders are watched, not the
 * files: a file moved into place is another file. Answers how to stop.
 * @param changed answers whether it took the change; otherwise it is called again with the next look
 */
export function watchFiles(
  files: readonly string[],
  changed: () => boolean,
  { settleForMs: settleFor = 100, lookEveryMs: lookEvery = 5000 }: WatchOptions = {},
): () => void {
  const paths = files.map(file => resolve(file))
  let stamps: string | undefined = paths.map(stampOf).join()
  let settling: NodeJS.Timeout | undefined

  const check = (): void => {
    const current = paths.map(stampOf).join()
    if (current === stamps) return
    stamps = changed() ? current : undefined
  }
  const soon = (): void => {
    clearTimeout(settling)
    settling = setTimeout(check, settleFor).unref()
  }
  const watchers = new Set<FSWatcher>()
  for (const folder of new Set(paths.map(path => dirname(path)))) {
    const names = new Set(paths.filter(path => dirname(path) === folder).map(path => basename(path)))
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || names.has(name)) soon()
      })
      watcher.on('error', () => watcher.close())
      watchers.add(watcher)
    } catch {
      // No events here: the timer looks.
    }
  }
  const timer = setInterval(check, lookEvery).unref()
  return () => {
    clearTimeout(settling)
    clearInterval(timer)
    for (const watcher of watchers) watcher.close()
  }
}

/** Another one for another file or content; through links, to what they lead to. */
export function stampOf(path: string): string {
  const found = look(path)
  return found === undefined ? 'none' : `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`
}

function look(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    // A folder on the way may not be entered at the moment.
    return undefined
  }
}

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
  const pause = options.settleForMs ?? 100
  let last = initial
  let reading = false
  let again = false
  let stopped = false

  /** Ends when two readings in a row agree and there is something in them. */
  const stableText = async (): Promise<string | undefined> => {
    let before: string | undefined
    for (let attempt = 0; attempt < 20 && !stopped; attempt++) {
      const text = await readFile(file, 'utf8').catch(() => undefined)
      if (text !== undefined && text === before) return text
      before = text
      await new Promise(done => setTimeout(done, pause))
    }
    return before
  }

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
