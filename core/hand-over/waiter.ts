import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { FromWaiter, ProcessExit } from './protocol.ts'
import { readToWaiter } from './protocol.ts'
import { type ChildSuccessor, startChild } from './successor.ts'

interface Options {
  /** The successor that serves. */
  core: ChildSuccessor
  /** Starts a further successor; replaced in tests. */
  start?: typeof startChild
  /** Calls back for each signal that is to be passed on; returns the end of that. */
  onSignal(pass: (name: NodeJS.Signals) => void): () => void
}

/** How long what a core said last may take to arrive after its end. */
const lastWordsMs = 500

/**
 * Stands in for a core where a terminal or a service manager has to see its process live on: without a socket or the
 * lock, it passes signals on and ends with the code of the core that follows it. Where that one is handed over in turn,
 * the next one is a child of this process too. Resolves with the exit code.
 */
export async function waitForCore({ core, start = startChild, onSignal }: Options): Promise<number> {
  dropMemory()
  let current = core
  let next: ChildSuccessor | undefined
  /** The next one has what it needs to serve: it is the core, whatever becomes of the one before. */
  let hasGone = false
  const unsubscribe = onSignal(name => (hasGone && next ? next : current).signal(name))

  const answer = (message: FromWaiter): void => current.channel.send(message)

  function follow(): void {
    if (next === undefined) return
    current = next
    next = undefined
    hasGone = false
  }

  async function startNext(program: Parameters<typeof startChild>[0]): Promise<void> {
    const started = await start(program)
    if (!started.ok) {
      const { error } = started
      answer({ say: 'not-started', reason: error.code === 'hand-over-refused' ? error.reason : error.code })
      return
    }
    next = started.value
    answer({ say: 'started', pid: next.pid })
    void listen(next)
  }

  async function obey(message: unknown): Promise<void> {
    const asked = readToWaiter(message)
    switch (asked?.say) {
      case 'start':
        return startNext(asked.program)
      case 'pass':
        hasGone = true
        return next?.send(asked.message)
      case 'kill':
        return next?.kill()
      case 'follow':
        return follow()
      default:
        return undefined
    }
  }

  /** Reads what a successor says, for as long as it lives: a core asks, the next one speaks to the core. */
  async function listen(successor: ChildSuccessor): Promise<void> {
    for (;;) {
      const message = await successor.next()
      if (message === undefined) break
      if (successor === current) await obey(message)
      else if (successor === next) answer({ say: 'heard', message })
    }
    const exit = await successor.ended
    if (successor !== next) return
    next = undefined
    hasGone = false
    answer({ say: 'ended', exit })
  }

  let listening = listen(current)
  for (;;) {
    const watched = current
    const exit = await watched.ended
    await Promise.race([listening, new Promise(resolve => setTimeout(resolve, lastWordsMs))])
    if (current === watched && next && hasGone) follow()
    if (current === watched) {
      next?.kill()
      unsubscribe()
      return codeOf(exit)
    }
    listening = current.channel.closed
  }
}

/** What the core left in memory is of no use to a process that only waits, and nothing else would make it go. */
function dropMemory(): void {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect === 'function') collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** A signal has no exit code of its own here: whoever watches must see a failure. */
const codeOf = ({ code }: ProcessExit): number => code ?? 1
