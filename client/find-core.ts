import { fail, ok, type Result } from '../contract/result.ts'
import type { Clock } from '../lib/clock.ts'
import { findControlSocket } from '../lib/home.ts'
import type { Keeper } from '../lib/keeper-file.ts'
import { processExists } from '../lib/process-exists.ts'
import { controlClient } from './control-client.ts'

export interface FoundCore {
  pid: number
  keeper: Keeper
  /** It ends, and answers until it has. */
  isQuitting: boolean
}

/** How soon a core that was not there yet, or still was, is looked for again, in ms. */
export const lookAgainMs = 25

const client = (home: string) => controlClient({ socketPath: findControlSocket(home).path, home })

/** The core that answers for a home; undefined where none does. Fails with what is wrong with the socket. */
export async function findCore(home: string): Promise<Result<FoundCore | undefined>> {
  const answer = await client(home).zotbar.app.snapshot({})
  if (!answer.ok) return answer.error.code === 'app-not-running' ? ok(undefined) : fail(answer.error)
  const { app, quitting } = answer.value
  return ok({ pid: app.pid, keeper: app.keeper, isQuitting: quitting })
}

/** Asks the core of a home to end. Returns once it has heard. */
export const askToQuit = (home: string): Promise<Result<null>> => client(home).zotbar.app.quit({})

/** Waits until a process is gone, however long that takes. */
export async function untilGone(pid: number, clock: Pick<Clock, 'now' | 'setTimer'>): Promise<void> {
  while (processExists(pid))
    await new Promise<void>(resolve => void clock.setTimer(clock.now() + lookAgainMs, resolve))
}
