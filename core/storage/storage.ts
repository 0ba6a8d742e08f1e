import type { Failure } from '../../contract/failure.ts'
import type { StorageState } from '../../contract/snapshot.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { rootOf, type SubFolders } from '../../lib/sub-folders.ts'
import { isRepositoryName } from '../platform/repository-name.ts'
import type { FreeSpace } from '../platform/volume.ts'
import { createCounts } from './counts.ts'
import { asyncDisk } from './disk.ts'
import { createHistory } from './history.ts'
import { historyFile, type LastCount } from './history-file.ts'
import { createRecountPace } from './recount-pace.ts'
import { sampleIn } from './repository-reader.ts'
import { createRereads } from './rereads.ts'
import { type Scan, type ScanOutcome, startScan } from './scan.ts'
import type { Storage, StorageOptions } from './storage-api.ts'
import { checkRoot, isAboutPath, present, unreadable } from './storage-state.ts'
import { StoreCount } from './store-count.ts'
import { createTraffic } from './traffic.ts'
import { parseWrite, refusedForSpace, type Write } from './writes.ts'

export type { Storage } from './storage-api.ts'

const refreshEvery = 5 * 60_000
const indexRetries = 3

/**
 * How full the store is: one background count, kept exact by reading only the repositories again that the engine says
 * were written to, by its events or its log. Neither is needed: whatever changed is found by the times of its folders, also
 * what no engine did or what no line told of; every few minutes, and more often where the engine has no events.
 */
export function createStorage(options: StorageOptions): Storage {
  const { clock, log, scanner = startScan, fileTime = Date.now } = options
  const history = createHistory({
    file: historyFile(options.home, { now: () => clock.now(), report: options.report }),
    log,
  })
  const traffic = createTraffic(clock)
  const listeners = new Set<() => void>()
  let folder: string | undefined
  let subs: SubFolders = {}
  let count: StoreCount | undefined
  let shown: LastCount | undefined
  let space: FreeSpace | undefined
  let error: Failure | undefined
  let recounting: Promise<void> | undefined
  /** Somebody who knows that the registry serves the folder asked for the recount under way, or joined it. */
  let isServed = false
  /** Another folder is where the images were. */
  let elsewhere = false
  /** Repositories written to during a count: it may have passed them before. */
  let touched = new Set<string>()
  const indexTries = new Map<string, number>()
  let cancelRefresh: (() => void) | undefined
  let cached: { state: StorageState; of: string | undefined } | undefined
  let closed = false

  const changed = () => {
    cached = undefined
    if (!closed) for (const listener of listeners) listener()
  }

  const readSpace = async (of: string) => {
    try {
      space = (await options.freeSpace(of)) ?? space
    } catch (problem) {
      log(`free space of ${of} cannot be read: ${reasonOf(problem)}`)
    }
  }

  const lookAtSpace = async () => {
    if (folder === undefined) return
    await readSpace(folder)
    changed()
  }

  const publish = () => {
    if (!count) return
    const { bytes, repositories, tags } = count.ledger
    shown = { asOf: clock.now(), bytes, repositories, tags, biggest: count.ledger.biggest(10) }
    history.record(shown)
    changed()
  }

  const reread = async (name: string) => {
    const root = folder
    const reading = count
    if (root === undefined || !reading) return
    const end = await reading.read(name)
    // A count that ended meanwhile read it as well.
    if (count !== reading) return
    if (end === 'damaged') tryAgain(name)
    else indexTries.delete(name)
    await readSpace(root)
    publish()
  }

  /** An engine that writes index.json in place may have been caught at it: damaged is what stays so. */
  const tryAgain = (name: string) => {
    const tries = indexTries.get(name) ?? 0
    if (tries >= indexRetries) {
      count?.unreadable.set(name, 'its index.json is damaged')
      return
    }
    indexTries.set(name, tries + 1)
    rereads.mark(name)
  }
  const rereads = createRereads({ clock, read: reread })

  /** Numbers that were known stay, with the time they hold for: a store that went away is never shown as empty. */
  const look = async (root: string) => {
    const looked = await checkRoot(root, () => (shown?.bytes ?? 0) > 0)
    await readSpace(root)
    const other = looked.problem === undefined ? await options.trouble?.() : undefined
    return other === undefined ? looked : { ...looked, problem: other }
  }

  /** Every five minutes: free space changes without us, and a volume may go. */
  const refresh = async () => {
    const root = folder
    if (root === undefined || closed) return
    const { problem } = await look(root)
    if (closed || folder !== root) return
    if (problem) error = problem
    else if (isAboutPath(error, root) && !elsewhere) void scan()
    if (!error && !counts.running()) publish()
    else changed()
    armRefresh()
    if (!problem) void recount()
  }
  const armRefresh = () => {
    cancelRefresh?.()
    if (!closed) cancelRefresh = clock.setTimer(clock.now() + refreshEvery, () => void refresh())
  }

  /** How long it took, ms; undefined where there was nothing to look at. */
  const recountNow = async (): Promise<number | undefined> => {
    const root = folder
    const reading = count
    let cost: number | undefined
    if (root === undefined || !reading || counts.running() || closed) return undefined
    try {
      const began = clock.monotonic()
      const seen = await reading.recount(() => closed || count !== reading)
      cost = clock.monotonic() - began
      if (closed || count !== reading) return cost
      const wasElsewhere = elsewhere
      elsewhere = seen.elsewhere
      // Another volume, or none, is where the images were: what is known of them stays, and is said to be old.
      if (elsewhere && isServed) void scan()
      else if (elsewhere) {
        error = { code: 'data-volume-missing', path: root, parent: root }
        changed()
      } else if (seen.changed > 0 || wasElsewhere) {
        if (wasElsewhere) error = undefined
        for (const name of reading.damaged()) tryAgain(name)
        await readSpace(root)
        publish()
      }
    } catch (problem) {
      log(`the data folder could not be looked at again: ${reasonOf(problem)}`)
    }
    return cost
  }
  const recount = (why?: 'it serves this folder'): Promise<void> => {
    isServed ||= why !== undefined
    recounting ??= recountNow().then(cost => {
      recounting = undefined
      isServed = false
      recountPace.over(cost)
    })
    return recounting
  }
  const recountPace = createRecountPace(clock, () => void recount())

  /** Nothing is known of `next` yet. */
  const leaveFor = (next: string | undefined) => {
    folder = next
    count = undefined
    elsewhere = false
    indexTries.clear()
    space = undefined
    error = undefined
    shown = undefined
  }

  const turnTo = async (next: string | undefined) => {
    if (next === folder) return
    leaveFor(next)
    if (next !== undefined) shown = await history.use(next)
  }

  const takeOutcome = (root: string, outcome: ScanOutcome) => {
    switch (outcome.kind) {
      case 'cancelled':
        return
      case 'failed':
        error = unreadable(root, outcome.reason)
        log(`the count of ${root} failed: ${outcome.reason}`)
        return
      case 'counted': {
        count = outcome.count
        elsewhere = false
        error = undefined
        const part = outcome.unreadable.find(({ name }) => name === '')
        if (part) error = unreadable(part.path, part.reason)
        publish()
        for (const name of new Set([...touched, ...count.damaged()])) rereads.mark(name)
      }
    }
  }

  const countOnce = async (
    of: string | undefined,
    cancelled: () => boolean,
    started: (scan: Scan) => void,
  ) => {
    await turnTo(of)
    const root = folder
    if (root === undefined || cancelled()) return
    changed()
    const { present, problem } = await look(root)
    if (cancelled()) return
    if (problem) {
      error = problem
      return
    }
    touched = new Set()
    subs = options.subFolders?.() ?? {}
    if (!present) {
      // A first run: the folder itself, and those of storage.subPaths, are found as soon as there is something in them.
      count = new StoreCount({ disk: asyncDisk, folder: root, subFolders: subs, now: fileTime })
      error = undefined
      await count.recount(cancelled)
      return publish()
    }
    const running = scanner(root, { onProgress: () => counts.moved(), subFolders: subs, now: fileTime })
    started(running)
    const outcome = await running.done
    if (!cancelled()) takeOutcome(root, outcome)
  }

  const counts = createCounts({
    clock,
    count: countOnce,
    onStuck: (of, ms) => {
      if (of === undefined || of !== folder) return
      error = unreadable(of, `counting it got no further for ${ms / 60_000} min`)
      log(`the count of ${of} was given up: it got no further for ${ms / 60_000} min`)
    },
    onChange: changed,
  })

  const scan = (): Promise<void> => {
    if (closed) return Promise.resolve()
    armRefresh()
    return counts.begin(options.dataFolder())
  }

  const take = (write: Write) => {
    if (!isRepositoryName(write.repository)) return
    if (traffic.take(write)) changed()
    if (write.kind === 'uploading') return
    if (counts.running()) touched.add(write.repository)
    if (count) rereads.mark(write.repository)
  }

  /** Nothing of the folder before is shown of the one that config.json names now. */
  const stateOf = (of: string | undefined): StorageState => {
    const scanning = counts.running()
    if (of !== undefined && of !== folder) return { scanning, biggest: [], history: [] }
    const trend = history.trend(clock.now())
    return present({ scanning, shown, space, trend, error, unreadable: count?.unreadable })
  }

  return {
    state: () => {
      const of = options.dataFolder()
      if (cached?.of !== of) cached = undefined
      cached ??= { state: stateOf(of), of }
      return cached.state
    },
    pushes: traffic.pushes,
    line: text => {
      if (refusedForSpace(text)) void lookAtSpace()
      const write = parseWrite(text)
      if (write) take(write)
    },
    wrote: take,
    spaceWasShort: () => void lookAtSpace(),
    recount,
    looksOften: recountPace.often,
    scan,
    forget: () => {
      history.forget()
      leaveFor(undefined)
      // What is under way may have seen the folder that was there before.
      void counts.begin(undefined)
      changed()
    },
    repositories: () => count?.ledger.samples(),
    digestNow: async name => {
      if (folder === undefined) return undefined
      return sampleIn(asyncDisk, `${rootOf(folder, subs, name)}/${name}`)
    },
    uploadsInProgress: async () => {
      const root = folder
      if (root === undefined) return []
      try {
        const places = count ? await count.uploadPlaces() : []
        return await traffic.uploads(name => rootOf(root, subs, name), places)
      } catch (problem) {
        log(`uploads cannot be seen: ${reasonOf(problem)}`)
        return []
      }
    },
    onChange: listener => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close: async () => {
      closed = true
      cancelRefresh?.()
      rereads.close()
      recountPace.close()
      // Sizes are kept in the home: they are written even where the data folder never answers again.
      await Promise.all([counts.end(), history.close()])
    },
  }
}
