// An app without a screen: the modules that main/ finds, keeps and talks to a core with, driven by words on standard input.
import { connect } from 'node:net'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { connectCore } from '../../../client/core-connection.ts'
import type { CoreService } from '../../../client/core-service.ts'
import { clientHello } from '../../../client/hello.ts'
import { keepCore } from '../../../client/keep-core.ts'
import { fail, ok } from '../../../contract/result.ts'
import { systemClock } from '../../../lib/clock.ts'
import { findControlSocket } from '../../../lib/home.ts'

export interface DriverOptions {
  home: string
  /** The core's program. */
  core: string
  configFile: string
  /** Where the stand-in of a service manager listens; absent where no service is installed. */
  manager?: string
}

const { home, core, configFile, manager }: DriverOptions = JSON.parse(process.argv[2] ?? '')
const say = (what: object): void => console.log(JSON.stringify(what))
const clock = systemClock()

const service: CoreService = {
  installed: async () => manager !== undefined,
  async start() {
    const socket = connect(manager ?? '')
    socket.end('start\n')
    return (await text(socket)) === 'ok\n'
      ? ok(null)
      : fail({ code: 'service-not-started', service: 'the stand-in', reason: 'it refused' })
  },
}
const kept = keepCore({
  home,
  program: ok({ node: process.execPath, args: ['--disable-sigusr1', core] }),
  service,
  clock,
  configFile,
})
const connection = connectCore({
  socketPath: findControlSocket(home).path,
  home,
  hello: clientHello('app'),
  offers: [],
  looking: false,
  clock,
  onAsk: async () => ({ kind: 'failed', where: 'no screen' }),
})
connection.on('state', state => {
  if (state.kind === 'lost') kept.coreLost()
})
kept.onChange(state => {
  const isTriedAgain = state.kind === 'failed' && state.until !== undefined
  say({ state: state.kind, ...(isTriedAgain ? { pauseMs: (state.until ?? 0) - Date.now() } : {}) })
})

/** As main/ does each: `quit` is Quit Zotbar, `quit-keep` with keepServing, `session-ends` a logout. */
const words: Record<string, () => Promise<void>> = {
  async ready() {
    const ready = await kept.ready()
    connection.retry()
    say({ ready })
  },
  quit: () => quit(false),
  'quit-keep': () => quit(true),
  async 'session-ends'() {
    kept.close()
    await connection.as('app').app.sessionEnds({})
    process.exit(0)
  },
}

async function quit(keepServing: boolean): Promise<void> {
  connection.close()
  say({ quit: await kept.quit({ keepServing }) })
  process.exit(0)
}

createInterface({ input: process.stdin }).on('line', word => void words[word]?.())
