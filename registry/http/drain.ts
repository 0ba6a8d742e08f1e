import type { Logger } from '../log/logger.ts'
import type { Pushes } from './pushes.ts'
import type { RegistryServer } from './server.ts'

/** How long running pushes may take to finish, ms. */
const pushesTimeoutMs = 15_000
/** How long answers on their way may take after that, ms. */
const answersTimeoutMs = 3000

/** Whether the registry is about to stop. */
export interface DrainState {
  draining: boolean
}

/**
 * Stops in order: pulls go on and running pushes finish, then the port closes, then answers on their way
 * finish. With nothing under way it ends at once.
 */
export async function drain(
  state: DrainState,
  registry: RegistryServer,
  pushes: Pushes,
  logger: Logger,
): Promise<void> {
  state.draining = true
  const startedAt = performance.now()
  logger.log('info', 'draining: running pushes may finish, new ones are refused')
  const finished = await untilQuiet(registry, pushes, startedAt + pushesTimeoutMs)
  if (!finished) logger.log('warn', 'some pushes did not finish in time and are cut off')
  await close(registry, performance.now() + answersTimeoutMs)
}

/** Whether all pushes ended before the deadline. */
async function untilQuiet(registry: RegistryServer, pushes: Pushes, deadline: number): Promise<boolean> {
  for (;;) {
    const quietIn = pushes.quietIn()
    if (quietIn <= 0) return true
    const left = deadline - performance.now()
    if (left <= 0) return false
    await requestEndedWithin(registry, Math.min(quietIn, left))
  }
}

/** Ends when a request ends, or after `ms`. */
function requestEndedWithin(registry: RegistryServer, ms: number): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, ms)
    registry.onSettled(() => {
      clearTimeout(timer)
      // After the answer is written, so that what it says is already counted.
      setImmediate(resolve)
    })
  })
}

async function close(registry: RegistryServer, deadline: number): Promise<void> {
  const closed = new Promise<void>(resolve => {
    registry.server.close(() => resolve())
  })
  while (registry.sockets.size > 0 && performance.now() < deadline) {
    registry.server.closeIdleConnections()
    if (registry.running() === 0) endSilent(registry)
    await requestEndedWithin(registry, 5)
  }
  registry.server.closeAllConnections()
  await closed
}

/** Connections with nothing left to send; some have never asked anything and count as busy for Node. */
function endSilent(registry: RegistryServer): void {
  for (const socket of registry.sockets) if (socket.writableLength === 0) socket.destroy()
}
