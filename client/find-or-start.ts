import type { Failure } from '../contract/failure.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import type { Clock } from '../lib/clock.ts'
import type { CoreProgram } from './core-program.ts'
import type { CoreService } from './core-service.ts'
import { type FoundCore, findCore, lookAgainMs, untilGone } from './find-core.ts'
import { type StartedCore, startCore } from './start-core.ts'

export interface FindOrStartOptions {
  home: string
  program: Result<CoreProgram>
  service: CoreService
  clock: Clock
  /** Absolute: config.json for a core that is started. */
  configFile?: string
  environment?: Readonly<Record<string, string | undefined>>
}

/** What it tells while it is at work. */
interface Progress {
  /** No core answers, and one is being started. */
  starting(): void
  /** A core of the app's own was started; it does not answer yet. */
  spawned(core: StartedCore): void
  /** Whether nothing is to be started any more. */
  isClosed(): boolean
}

/** How long a core that was started may take until it answers: it may have to wait for a slow disk. */
const answerLimitMs = 30_000

/**
 * The core that answers for the home; else the one that the service manager starts, where a service is installed; else
 * one of the app's own. Resolves once it answers.
 */
export async function findOrStart(
  options: FindOrStartOptions,
  progress: Progress,
): Promise<Result<FoundCore>> {
  const { home, service, clock } = options
  let until = clock.now() + answerLimitMs
  for (;;) {
    const found = await findCore(home)
    if (!found.ok) return found
    if (found.value?.isQuitting) {
      await untilGone(found.value.pid, clock)
      // Its pushes may have taken longer than a start may.
      until = clock.now() + answerLimitMs
    } else if (found.value !== undefined) return ok(found.value)
    if (progress.isClosed()) return fail({ code: 'quitting' })
    progress.starting()
    const started = (await service.installed()) ? await service.start() : await spawn(options, progress)
    if (!started.ok) return started
    const answered = await untilAnswer(options, started.value, until)
    // Another start was first, and is on its way, or was on its way out.
    const isTaken = !answered.ok && answered.error.code === 'already-running'
    if (!isTaken || clock.now() >= until) return answered
    await pause(clock, lookAgainMs)
  }
}

async function spawn(options: FindOrStartOptions, progress: Progress): Promise<Result<StartedCore>> {
  const { home, program, configFile, environment } = options
  if (!program.ok) return program
  const started = await startCore({
    program: program.value,
    home,
    keeper: 'app',
    ...(configFile === undefined ? {} : { configFile }),
    ...(environment === undefined ? {} : { environment }),
  })
  if (started.ok) progress.spawned(started.value)
  return started
}

async function untilAnswer(
  { home, clock }: FindOrStartOptions,
  started: StartedCore | null,
  until: number,
): Promise<Result<FoundCore>> {
  let end: Failure | undefined
  void started?.ended.then(({ error, code, signal }) => {
    end = error ?? { code: 'core-ended', home, how: String(signal ?? code) }
  })
  for (;;) {
    const ended = end
    const found = await findCore(home)
    if (!found.ok) return found
    if (found.value !== undefined) return ok(found.value)
    if (ended !== undefined) return fail(ended)
    if (clock.now() >= until) return fail({ code: 'app-not-answering', home, limitMs: answerLimitMs })
    await pause(clock, lookAgainMs)
  }
}

export const pause = (clock: Pick<Clock, 'now' | 'setTimer'>, ms: number): Promise<void> =>
  new Promise(resolve => void clock.setTimer(clock.now() + ms, resolve))
