import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientHello } from '../../../client/hello.ts'
import type { CoreLink } from '../../../contract/core-link.ts'
import type { Snapshot } from '../../../contract/snapshot.ts'
import { createCoreEnd } from '../../../main/core-end.ts'
import { fakeCore } from '../../fakes/core.ts'
import { fakeElectron } from '../../fakes/electron.ts'
import { aSnapshot } from '../../fakes/host.ts'

const lost: CoreLink = {
  kind: 'lost',
  since: 0,
  error: { code: 'app-not-running', home: '/h' },
  isStarting: false,
}

let program: ChildProcess
let ended: Promise<NodeJS.Signals | null>
beforeEach(() => {
  program = spawn('sleep', ['60'])
  ended = new Promise(resolve => program.on('exit', (_, signal) => resolve(signal)))
})
afterEach(() => void program.kill('SIGKILL'))

/** The end of the core whose pid `program` has, with a socket that nobody listens at. */
function start(link: CoreLink, preferences: Partial<NonNullable<Snapshot['preferences']>> = {}) {
  const known = aSnapshot()
  const quits: { keepServing: boolean }[] = []
  const snapshot: Snapshot = {
    ...known,
    app: { ...known.app, pid: program.pid ?? 0, keeper: 'app' },
    preferences: { notifications: true, startAtLogin: false, keepServing: false, ...preferences },
  }
  const end = createCoreEnd({
    electron: fakeElectron().electron,
    core: { ...fakeCore(), link: () => link, snapshot: () => snapshot },
    kept: {
      quit: async how => {
        quits.push(how)
        return { ok: true, value: { ended: !how.keepServing } }
      },
    },
    socketPath: '/nowhere/control.sock',
    hello: clientHello('app'),
    say() {},
    log() {},
  })
  return { end, quits }
}

describe('at the end of the session', () => {
  it('a core that cannot be told is sent a signal', async () => {
    start({ kind: 'live' }).end.prepareSessionEnd().notify()
    expect(await ended).toBe('SIGTERM')
  })

  it('the pid of a core that has gone is sent none: another program may have it', async () => {
    start(lost).end.prepareSessionEnd().notify()
    program.kill('SIGUSR2')
    expect(await ended).toBe('SIGUSR2')
  })
})

describe('Quit', () => {
  it('leaves a core that is to keep serving, also while it does not answer', async () => {
    const { end, quits } = start(lost, { keepServing: true })
    await end.quit()
    expect(quits).toEqual([{ keepServing: true }])
  })
})
