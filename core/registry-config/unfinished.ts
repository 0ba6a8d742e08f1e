import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { type LoadedConfig, loadConfig } from '../../registry/config/load.ts'

/** A file that nobody wrote to for this long is not being written any more, in ms. */
const stillMs = 5000
/** The beginning of a YAML file is a file as good as any: it counts once it is still. */
const yamlStillMs = 1000
const againMs = 100
/** How long it is waited for at most: the check before a start has a limit of its own. */
const limitMs = 10_000

/**
 * Waits while config.json is half written: empty, or cut off, and changed a moment ago. False where it still is when the
 * time is over; a file that is not there, or has a fault for longer, is not waited for.
 */
export async function untilWritten(
  configFile: string,
  clock: Pick<Clock, 'now' | 'setTimer'>,
): Promise<boolean> {
  for (const begunAt = clock.now(); ; ) {
    const changedAt = await stat(configFile).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    )
    if (changedAt === undefined) return true
    const restMs = changedAt + restsAfter(await loadConfig(configFile, { engine: 'zot' })) - clock.now()
    // A time that lies ahead is another clock's.
    if (restMs <= 0 || restMs > stillMs) return true
    if (clock.now() - begunAt >= limitMs) return false
    await new Promise<void>(resolve => clock.setTimer(clock.now() + Math.min(restMs, againMs), resolve))
  }
}

/** How long after its last change a file that reads like this is taken as it is, in ms. */
function restsAfter(loaded: LoadedConfig): number {
  if (['.yaml', '.yml'].includes(extname(loaded.file))) return loaded.ok ? yamlStillMs : stillMs
  const isCutOff =
    !loaded.ok &&
    loaded.problems.some(
      ({ code, message }) => code === 'empty' || code === 'syntax' || message.includes('UTF-8'),
    )
  return isCutOff ? stillMs : 0
}

/** The same result, with the mark that config.json was being written when it was read. */
export function markUnfinished<T>(result: Result<T>): Result<T> {
  if (result.ok || result.error.code !== 'config-invalid') return result
  return { ok: false, error: { ...result.error, unfinished: true } }
}
