import { contractNumber } from '../../contract/hello.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { homeFormat } from '../../lib/home-format.ts'
import { type HandedOver, type Program, readFromSuccessor } from './protocol.ts'
import type { StartSuccessor, Successor } from './successor.ts'

/** How long a successor may take to load, and again to serve. */
export const handOverLimitMs = 20_000

const refused = (reason: string): Result<never> => fail({ code: 'hand-over-refused', reason })

interface Options {
  program: Program
  /** The build that the caller asked for. */
  build: string
  start: StartSuccessor
  limitMs: number
}

/**
 * Starts a successor and waits until it has loaded everything. Until then nothing is given up: whatever is wrong with it
 * costs nothing. Error: `hand-over-refused` with the reason; then it has ended.
 */
export async function loadSuccessor({ program, build, start, limitMs }: Options): Promise<Result<Successor>> {
  const started = await start(program)
  if (!started.ok) return started
  const successor = started.value
  const problem = await problemOf(successor, build, limitMs)
  if (problem === undefined) return ok(successor)
  successor.kill()
  await successor.ended
  return refused(problem)
}

async function problemOf(successor: Successor, build: string, limitMs: number): Promise<string | undefined> {
  const heard = await withinLimit(successor.next(), limitMs)
  if (heard === 'late') return `it was not loaded within ${limitMs / 1000} s`
  if (heard.value === undefined) return `it ended before it was loaded (${exitText(await successor.ended)})`
  const message = readFromSuccessor(heard.value)
  if (message?.say === 'failed') return failureMessage(message.error).title
  if (message?.say !== 'loaded') return 'it is not a core of Zotbar'
  if (message.build !== build) return `its build is ${message.build}, not ${build}: the files were replaced`
  if (message.contract !== contractNumber)
    return `its contract is ${message.contract}, and that of this core ${contractNumber}`
  // A home that a newer build has changed could not be given back to this one.
  if (message.home !== homeFormat)
    return `it keeps the home in format ${message.home}, and this core in format ${homeFormat}`
  return undefined
}

/**
 * Gives everything to a successor that has loaded, and waits until it serves. Error: `hand-over-failed` with the reason;
 * then it has ended, and the lock is free or still this process's.
 */
export async function passOn(
  successor: Successor,
  state: HandedOver,
  limitMs: number,
): Promise<Result<null>> {
  successor.send({ say: 'go', state })
  const heard = await withinLimit(successor.next(), limitMs)
  const message = heard === 'late' ? undefined : readFromSuccessor(heard.value)
  if (message?.say === 'serving') return ok(null)
  // One that hangs could still take the sockets later.
  successor.kill()
  const exit = await successor.ended
  if (heard === 'late')
    return fail({ code: 'hand-over-failed', reason: `it did not serve within ${limitMs / 1000} s` })
  if (message?.say === 'failed')
    return fail({ code: 'hand-over-failed', reason: failureMessage(message.error).title })
  return fail({ code: 'hand-over-failed', reason: `it ended (${exitText(exit)})` })
}

/** By the machine's own count, so that a clock that is set meanwhile neither cuts it off nor draws it out. */
async function withinLimit<T>(promise: Promise<T>, limitMs: number): Promise<{ value: T } | 'late'> {
  const late = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => late.resolve('late'), limitMs)
  try {
    return await Promise.race([promise.then(value => ({ value })), late.promise])
  } finally {
    clearTimeout(timer)
  }
}

const exitText = ({ code, signal }: { code: number | null; signal: string | null }): string =>
  signal === null ? `exit code ${code ?? 'unknown'}` : `signal ${signal}`
