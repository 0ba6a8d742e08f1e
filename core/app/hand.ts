import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fail, ok, type Result } from '../../contract/result.ts'
import { reasonOf } from '../../lib/error-code.ts'
import { resolveHome } from '../../lib/home.ts'
import { loadSuccessor } from '../hand-over/hand-over.ts'
import type { Program } from '../hand-over/protocol.ts'
import type { StartSuccessor, Successor } from '../hand-over/successor.ts'
import type { StartOptions } from '../program/arguments.ts'
import type { HandOverRequest, ProgramControl } from './wiring.ts'

interface Options {
  options: StartOptions
  start: StartSuccessor
  limitMs: number
  /** Calls back when the successor has loaded and the caller has its answer: the core is to close then. */
  onReady(successor: Successor): void
}

/** What of a hand-over happens while the core still serves. */
interface Hand {
  over: NonNullable<ProgramControl['handOver']>
  /** This core quits: a successor that is loading is not wanted any more. */
  withdraw(): void
}

export function createHand({ options, start, limitMs, onReady }: Options): Hand {
  let isUnderWay = false
  let isWithdrawn = false
  let loading: Successor | undefined

  const watched: StartSuccessor = async program => {
    const started = await start(program)
    if (!started.ok) return started
    loading = started.value
    if (isWithdrawn) loading.kill()
    return started
  }

  async function load(
    request: HandOverRequest,
    busyWith: () => string | undefined,
  ): Promise<Result<{ pid: number; build: string }>> {
    const room = await checkRoom(resolveHome())
    if (!room.ok) return room
    const program = programOf(request, options)
    const loaded = await loadSuccessor({ program, build: request.build, start: watched, limitMs })
    loading = undefined
    if (!loaded.ok) return loaded
    const successor = loaded.value
    // Something may have begun while it was loading.
    const busy = isWithdrawn ? 'the end of Zotbar' : busyWith()
    if (busy !== undefined) {
      successor.kill()
      await successor.ended
      return fail({ code: 'busy', with: busy })
    }
    // Behind the answer to the caller, which goes out through a socket that is closed then.
    setImmediate(onReady, successor)
    return ok({ pid: successor.pid, build: request.build })
  }

  return {
    async over(request, busyWith) {
      if (isUnderWay) return fail({ code: 'busy', with: 'another hand-over' })
      isUnderWay = true
      const result = await load(request, busyWith).catch((error: unknown) => {
        isUnderWay = false
        throw error
      })
      isUnderWay = result.ok
      return result
    },
    withdraw() {
      isWithdrawn = true
      loading?.kill()
    },
  }
}

/** What a core writes before it serves, generously. */
const neededBytes = 64 * 1024

/** Whether a successor could write what it has to: on a full disk it would fail when everything was given up. */
async function checkRoom(home: string): Promise<Result<null>> {
  const file = join(home, 'run', 'hand-over.room')
  try {
    await writeFile(file, Buffer.alloc(neededBytes), { mode: 0o600 })
    return ok(null)
  } catch (error) {
    return fail({ code: 'hand-over-refused', reason: `${home} cannot be written: ${reasonOf(error)}` })
  } finally {
    await rm(file, { force: true }).catch(() => {})
  }
}

/** The successor is started as this core was; nothing secret is among its arguments. */
function programOf({ node, main }: HandOverRequest, options: StartOptions): Program {
  const { configFile, dashboardPort, json, keeper } = options
  return {
    node,
    args: [
      '--disable-sigusr1',
      main,
      'start',
      '--successor',
      '--keeper',
      keeper,
      ...(json ? ['--json'] : []),
      ...(configFile === undefined ? [] : ['--config', configFile]),
      ...(dashboardPort === undefined ? [] : ['--dashboard-port', String(dashboardPort)]),
    ],
  }
}
