import type { ZotbarClient } from '../contract/contract.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { Build } from '../lib/build.ts'
import type { Clock } from '../lib/clock.ts'
import type { CoreProgram } from './core-program.ts'
import { lookAgainMs } from './find-core.ts'

interface Options {
  zotbar: ZotbarClient
  /** The core that is to take the home over, and its build. */
  program: CoreProgram
  build: Build
  clock: Pick<Clock, 'now' | 'setTimer'>
  home: string
}

/** A successor and, where it fails, the core from before have 20 s each; then nobody answers any more. */
const limitMs = 60_000

/**
 * Has the core that runs hand its home over to the core of this program's build, and waits until that one answers. Where
 * it is of that build already, nothing is done. Errors: `hand-over-refused`, `hand-over-failed` (the core from before
 * serves again), `busy`, and those of the connection.
 */
export async function takeOver({
  zotbar,
  program,
  build,
  clock,
  home,
}: Options): Promise<Result<{ core: Snapshot['app']; from: Snapshot['app'] }>> {
  const before = await zotbar.app.snapshot({})
  if (!before.ok) return before
  const from = before.value.app
  if (from.build === build.build) return ok({ core: from, from })
  const main = program.args.at(-1)
  if (main === undefined) return fail({ code: 'engine-missing', path: program.node })
  const asked = await zotbar.app.handOver({ node: program.node, main, ...build })
  if (!asked.ok) return asked
  // By the machine's own count: the clock may be set meanwhile.
  const until = performance.now() + limitMs
  for (;;) {
    const now = await zotbar.app.snapshot({})
    if (now.ok) {
      const { app } = now.value
      if (app.build === build.build) return ok({ core: app, from })
      // The one from before has begun anew.
      if (app.startedAt !== from.startedAt)
        return fail({ code: 'hand-over-failed', reason: `process ${asked.value.pid} did not serve` })
    } else if (performance.now() > until) return fail({ code: 'app-not-running', home })
    await new Promise<void>(resolve => void clock.setTimer(clock.now() + lookAgainMs, resolve))
  }
}
