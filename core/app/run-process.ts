import { join } from 'node:path'
import { openAppLog } from '../../lib/app-log.ts'
import { resolveHome } from '../../lib/home.ts'
import { onQuitSignal } from '../../lib/quit-signals.ts'
import { handOverLimitMs, passOn } from '../hand-over/hand-over.ts'
import { meetPredecessor } from '../hand-over/predecessor.ts'
import {
  type ChildSuccessor,
  type StartSuccessor,
  type Successor,
  startChild,
  startThroughWaiter,
} from '../hand-over/successor.ts'
import { waitForCore } from '../hand-over/waiter.ts'
import type { StartOptions } from '../program/arguments.ts'
import { onLauncherGone } from '../program/launcher-gone.ts'
import { printFailure } from '../program/printers.ts'
import { type CoreEnd, quitBy, runCore, type Starter } from './run-core.ts'
import type { QuitHow } from './wiring.ts'

type HandedOverEnd = Extract<CoreEnd, { kind: 'handed-over' }>

const signals: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGINT', 'SIGHUP']

/**
 * The core's process, from its start to its exit code: a core, and after a hand-over either nothing, or a bare waiter
 * where a terminal or a service manager has to see this process live on. A core whose successor did not serve takes its
 * home again in this process: its files may have been removed meanwhile.
 */
export async function runProcess(
  options: StartOptions,
  starter: Starter,
  limitMs = handOverLimitMs,
): Promise<number> {
  let quitAtOnce: QuitHow | undefined
  // A core that hands over passes signals on as soon as it has said `go`.
  const unsubscribeEarly = onQuitSignal(name => {
    quitAtOnce = quitBy(name, options.keeper)
  })
  const predecessor = options.successor ? await meetPredecessor() : undefined
  if (options.successor && !predecessor) return 1
  // The system's own answer to a signal would end this process between two cores.
  for (const name of signals) process.on(name, () => {})
  unsubscribeEarly()
  const waiter = options.keeper === 'app' ? undefined : predecessor?.channel
  // Without it nobody could stop this core from its terminal, or restart it: it goes as if it had been killed.
  void waiter?.closed.then(() => process.exit(1))
  const start: StartSuccessor = waiter ? program => startThroughWaiter(waiter, program) : startChild
  let handedOver = predecessor?.state
  let isFirst = true
  for (;;) {
    const reportsTo = isFirst ? predecessor : undefined
    isFirst = false
    const end = await runCore(options, starter, {
      handedOver,
      quitAtOnce,
      start,
      limitMs,
      onServing: () => reportsTo?.serving(),
    })
    if (end.kind === 'quit') {
      if (end.error) reportsTo?.failed(end.error)
      return end.code
    }
    const passed = await pass(end, options, limitMs)
    if (passed.ok) {
      if (options.keeper === 'app') return 0
      if (!waiter) return await standIn(end.successor, starter.npmCommand, passed.unsubscribe)
      waiter.send({ say: 'follow' })
      return 0
    }
    handedOver = end.state
    quitAtOnce = passed.quit
  }
}

type Passed =
  | { ok: true; unsubscribe: () => void }
  /** `quit`: that was asked for meanwhile. */
  | { ok: false; quit: QuitHow | undefined }

/** Gives the home to the successor. Signals that come meanwhile are its own, if it is this process that gets them. */
async function pass(
  { successor, state, quit: early }: HandedOverEnd,
  { json, keeper }: StartOptions,
  limitMs: number,
): Promise<Passed> {
  if (early !== undefined) {
    successor.kill()
    await successor.ended
    return { ok: false, quit: early }
  }
  let quit: QuitHow | undefined
  const note = (name: NodeJS.Signals): void => {
    quit ??= quitBy(name, keeper)
    if (isChild(successor)) successor.signal(name)
  }
  for (const name of signals) process.on(name, note)
  const unsubscribe = (): void => {
    for (const name of signals) process.off(name, note)
  }
  const passed = await passOn(successor, state, limitMs)
  if (passed.ok) return { ok: true, unsubscribe }
  unsubscribe()
  const log = openAppLog({ file: join(resolveHome(), 'logs', 'app.log'), now: Date.now })
  log.error('the next build did not serve', { ...passed.error })
  printFailure(passed.error, json)
  return { ok: false, quit }
}

const isChild = (successor: Successor): successor is ChildSuccessor => 'channel' in successor

/** The bare waiter. `unsubscribe` ends what passed signals on until now. */
function standIn(
  successor: Successor,
  npmCommand: string | undefined,
  unsubscribe: () => void,
): Promise<number> {
  if (!isChild(successor)) throw new Error('the successor is no child of this process')
  return waitForCore({
    core: successor,
    onSignal(passTo) {
      for (const name of signals) process.on(name, passTo)
      unsubscribe()
      const unwatch = onLauncherGone(npmCommand, () => passTo('SIGTERM'))
      return () => {
        for (const name of signals) process.off(name, passTo)
        unwatch()
      }
    },
  })
}
