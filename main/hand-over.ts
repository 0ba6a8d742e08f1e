import type { CoreConnection } from '../client/core-connection.ts'
import type { CoreProgram } from '../client/core-program.ts'
import type { Hello } from '../contract/hello.ts'
import type { Result } from '../contract/result.ts'
import type { Snapshot } from '../contract/snapshot.ts'

interface Deps {
  connection: Pick<CoreConnection, 'state' | 'core' | 'snapshot' | 'on' | 'as'>
  /** The build of this app. */
  build: Pick<Hello, 'build' | 'version'>
  /** The core of that build. */
  program: Result<CoreProgram>
  log(message: string): void
}

/**
 * After an update of the app: has the core of the build before hand the home over to the core of this build, as soon as
 * nothing is under way. Once for each build that runs: where it fails, the core that serves goes on.
 */
export function offerHandOver({ connection, build, program, log }: Deps): void {
  const zotbar = connection.as('app')
  let tried: string | undefined

  async function check(): Promise<void> {
    const running = connection.core()
    const snapshot = connection.snapshot()
    if (connection.state().kind !== 'live' || !running || !snapshot || !program.ok) return
    if (tried === running.build || !isOlder(running, build) || !isFree(snapshot)) return
    const main = program.value.args.at(-1)
    if (main === undefined) return
    tried = running.build
    const handed = await zotbar.app.handOver({ node: program.value.node, main, ...build })
    if (handed.ok) return log(`The core of build ${running.build} handed over to process ${handed.value.pid}`)
    // A run may have begun meanwhile: its end is the next occasion.
    if (handed.error.code === 'busy') tried = undefined
    else log(`The core of build ${running.build} did not hand over: ${handed.error.code}`)
  }
  connection.on('state', () => void check())
  connection.on('snapshot', () => void check())
}

/** Whether a core is of another build, and not of a newer version. Sources have no build. */
const isOlder = (running: Hello, own: Deps['build']): boolean =>
  own.build !== 'source' &&
  running.build !== own.build &&
  running.version.localeCompare(own.version, 'en', { numeric: true }) <= 0

/** Who started a core in a terminal chose its build; a run is not interrupted. */
const isFree = ({ app, runbook, quitting }: Snapshot): boolean =>
  app.keeper !== 'terminal' && runbook === undefined && !quitting
