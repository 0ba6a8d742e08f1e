import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Clock } from '../../lib/clock.ts'
import { type LoadedConfig, loadConfig } from '../../registry/config/load.ts'
import { rootsIn } from './preflight.ts'

/** A file that nobody wrote to for this long is not being written any more, in ms. */
const stillMs = 5000
/** The beginning of a YAML file is a file as good as any: it counts once it is still. */
const yamlStillMs = 1000
const againMs = 100
/** How long it is waited for at most: the check before a start has a limit of its own. */
const limitMs = 10_000

type Timing = Pick<Clock, 'now' | 'setTimer'>

/**
 * Waits while config.json is half written: empty, or cut off, and changed a moment ago. False where it still is at
 * `until`; a file that is not there, or has a fault for longer, is not waited for.
 */
export async function untilWritten(
  configFile: string,
  clock: Timing,
  until = clock.now() + limitMs,
): Promise<boolean> {
  for (;;) {
    const changedAt = await stat(configFile).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    )
    if (changedAt === undefined) return true
    const restMs = changedAt + restsAfter(await loadConfig(configFile, { engine: 'zot' })) - clock.now()
    // A time that lies ahead is another clock's.
    if (restMs <= 0 || restMs > stillMs) return true
    if (clock.now() >= until) return false
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

/** All data folders of config.json once it is whole, absolute; undefined where it cannot be read. */
export async function rootsOnceWritten(configFile: string, clock: Timing): Promise<string[] | undefined> {
  const read = await onceWritten(configFile, clock, async () => {
    const roots = await rootsIn(configFile)
    return roots === undefined ? fail({ code: 'config-invalid', file: configFile, faults: [] }) : ok(roots)
  })
  return read.ok ? read.value : undefined
}

/**
 * What `check` says of config.json once that is whole; asked again where it finds a fault in a file that was changed while
 * it looked. A fault that is found in one that is written all the time is marked as `unfinished`.
 */
export async function onceWritten<T>(
  configFile: string,
  clock: Timing,
  check: () => Promise<Result<T>>,
): Promise<Result<T>> {
  for (const until = clock.now() + limitMs; ; ) {
    const isWritten = await untilWritten(configFile, clock, until)
    const before = await configStamp(configFile)
    const result = await check()
    if (result.ok || result.error.code !== 'config-invalid') return result
    if (isWritten && before === (await configStamp(configFile))) return result
    if (clock.now() >= until) return { ok: false, error: { ...result.error, unfinished: true } }
  }
}

/** Another one after every write, and for another file of this name. */
export const configStamp = (file: string): Promise<string | undefined> =>
  stat(file, { bigint: true }).then(
    ({ ino, mtimeNs, size }) => `${ino} ${mtimeNs} ${size}`,
    () => undefined,
  )
