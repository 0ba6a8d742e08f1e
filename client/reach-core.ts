import { connect } from 'node:net'
import type { Clock } from '../lib/clock.ts'
import { readKeeper } from '../lib/keeper-file.ts'
import { processExists } from '../lib/process-exists.ts'
import { lookAgainMs } from './find-core.ts'

interface Options {
  home: string
  socketPath: string
  clock: Pick<Clock, 'now' | 'setTimer'>
  /** The longest wait, in ms: whatever keeps the file may be another program with the number of a core that died. */
  limitMs?: number
}

/**
 * Waits for the control socket of a core that means to run: one that starts or hands its home over has none for a
 * moment, and is not to be called absent. Nothing is asked there, so that nothing is ever asked twice. Returns whether
 * somebody listens; at once where no core means to run.
 */
export async function untilReachable({
  home,
  socketPath,
  clock,
  limitMs = 2_000,
}: Options): Promise<boolean> {
  const until = clock.now() + limitMs
  for (;;) {
    if (await isListening(socketPath)) return true
    const record = readKeeper(home)
    if (!record || !processExists(record.pid) || clock.now() >= until) return false
    await new Promise<void>(resolve => void clock.setTimer(clock.now() + lookAgainMs, resolve))
  }
}

function isListening(socketPath: string): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(socketPath)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
