import { coreProgram } from '../client/core-program.ts'
import { takeOver } from '../client/hand-over.ts'
import { thisBuild } from '../lib/build.ts'
import { systemClock } from '../lib/clock.ts'
import { exitCode } from './output.ts'
import type { Verb } from './verb.ts'

/** Lets the core of this build take over from the one that runs; the registry goes on meanwhile. */
export const handOver: Verb<object> = async ({ out, client, home }) => {
  const program = coreProgram()
  if (!program.ok) return out.failure(program.error)
  const build = thisBuild()
  const taken = await takeOver({
    zotbar: client.zotbar,
    program: program.value,
    build,
    clock: systemClock(),
    home,
  })
  if (!taken.ok) return out.failure(taken.error)
  const { core, from } = taken.value
  const isSame = core.pid === from.pid
  out.object({ handedOver: !isSame, pid: core.pid, version: core.version, build: core.build })
  out.line(
    isSame
      ? `What runs is this Zotbar already: ${core.version}, process ${core.pid}.`
      : // Two builds of one version are told apart by what was built.
        `Zotbar ${core.version} (build ${core.build}) took over from ${from.version} (build ${from.build}), as process ${core.pid}. The registry went on.`,
  )
  return exitCode.done
}
