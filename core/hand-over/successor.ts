import { spawn } from 'node:child_process'
import { Duplex } from 'node:stream'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { type LineChannel, lineChannel } from './line-channel.ts'
import { type Go, type ProcessExit, type Program, readFromWaiter, type ToWaiter } from './protocol.ts'

/** The process of a successor, seen from the core that hands over to it. */
export interface Successor {
  readonly pid: number
  send(message: Go): void
  /** The next message as it came; undefined when it ended. */
  next(): Promise<unknown>
  /** SIGKILL; `ended` says when it is gone. */
  kill(): void
  ended: Promise<ProcessExit>
}

/** A successor that is a child of this process. */
export interface ChildSuccessor extends Successor {
  readonly channel: LineChannel
  signal(name: NodeJS.Signals): void
}

/** Starts successors: by itself, or through the waiter that started this core. */
export type StartSuccessor = (program: Program) => Promise<Result<Successor>>

const notStarted = (reason: string): Result<never> => fail({ code: 'hand-over-refused', reason })

/**
 * Starts a program in a session of its own, with this process's output and a socket as descriptor 3. It lives on when
 * this process ends. Error: `hand-over-refused`, where the system cannot run it.
 */
export async function startChild({ node, args }: Program): Promise<Result<ChildSuccessor>> {
  const child = spawn(node, args, {
    detached: true,
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    // Where this process stands may have been removed with its package.
    cwd: '/',
  })
  const failed = Promise.withResolvers<Error>()
  child.on('error', failed.resolve)
  const ended = new Promise<ProcessExit>(resolve =>
    child.on('exit', (code, signal) => resolve({ code, signal })),
  )
  const stream = child.stdio[3]
  const { pid } = child
  if (pid === undefined) return notStarted(`${node} cannot be run: ${reasonOf(await failed.promise)}`)
  if (!(stream instanceof Duplex)) throw new Error('descriptor 3 is no socket')
  const channel = lineChannel(stream)
  return ok({
    pid,
    channel,
    send: channel.send,
    next: channel.next,
    kill: () => void child.kill('SIGKILL'),
    signal: name => void child.kill(name),
    ended,
  })
}

/**
 * The same through the waiter at the other end of `waiter`, so that it stays the parent of the core however often that
 * is handed over.
 */
export async function startThroughWaiter(waiter: LineChannel, program: Program): Promise<Result<Successor>> {
  const ask = (message: ToWaiter): void => waiter.send(message)
  ask({ say: 'start', program })
  const answer = readFromWaiter(await waiter.next())
  if (answer?.say === 'not-started') return notStarted(answer.reason)
  if (answer?.say !== 'started') return notStarted('the process that waits for this core does not answer')
  const { promise: ended, resolve: resolveEnded } = Promise.withResolvers<ProcessExit>()
  let isOver = false
  const next = async (): Promise<unknown> => {
    if (isOver) return undefined
    const message = readFromWaiter(await waiter.next())
    if (message?.say === 'heard') return message.message
    isOver = true
    resolveEnded(message?.say === 'ended' ? message.exit : { code: null, signal: null })
    return undefined
  }
  return ok({
    pid: answer.pid,
    send: message => ask({ say: 'pass', message }),
    next,
    kill() {
      ask({ say: 'kill' })
      // Whatever it still said is of no use.
      void (async () => {
        while (!isOver) await next()
      })()
    },
    ended,
  })
}
