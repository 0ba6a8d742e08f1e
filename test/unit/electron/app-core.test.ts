import { describe, expect, it } from 'vitest'
import type { ConnectionState, CoreConnection } from '../../../client/core-connection.ts'
import type { KeptCore } from '../../../client/keep-core.ts'
import type { CoreLink } from '../../../contract/core-link.ts'
import type { Failure } from '../../../contract/failure.ts'
import { createEmitter } from '../../../lib/emitter.ts'
import { createAppCore } from '../../../main/app-core.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { fakeCore } from '../../fakes/core.ts'

const away: Failure = { code: 'app-not-running', home: '/h' }

function start() {
  const events = createEmitter<{ state: ConnectionState; kept: ReturnType<KeptCore['state']> }>()
  let state: ConnectionState = { kind: 'connecting' }
  let kept: ReturnType<KeptCore['state']> = { kind: 'looking' }
  const seen = { retries: 0, lost: 0, readies: 0, links: [] as string[] }
  const host = fakeCore()
  const connection: CoreConnection = {
    ...host,
    state: () => state,
    core: () => undefined,
    on: (event, listener) =>
      event === 'state' ? events.on('state', listener as (next: ConnectionState) => void) : () => {},
    retry: () => {
      seen.retries += 1
    },
    close: () => {},
  }
  const clock = fakeClock()
  const core = createAppCore({
    connection,
    clock,
    kept: {
      state: () => kept,
      onChange: listener => events.on('kept', listener),
      coreLost: () => {
        seen.lost += 1
      },
      ready: async () => {
        seen.readies += 1
        return { ok: true, value: { pid: 1, keeper: 'app' } }
      },
    },
  })
  core.onLink(link => seen.links.push(describeLink(link)))
  return {
    core,
    clock,
    seen,
    connect(next: ConnectionState) {
      state = next
      events.emit('state', next)
    },
    keep(next: ReturnType<KeptCore['state']>) {
      kept = next
      events.emit('kept', next)
    },
  }
}
const describeLink = (link: CoreLink): string =>
  link.kind === 'lost' ? `${link.error.code}${link.isStarting ? ', starting' : ''}` : link.kind

describe('the link to the core', () => {
  it('shows nothing of the first look for one, and then that it is there', () => {
    const { core, connect, keep, seen } = start()
    core.start()
    connect({ kind: 'lost', error: away })
    keep({ kind: 'starting' })
    expect(describeLink(core.link())).toBe('connecting')
    keep({ kind: 'up', pid: 1, keeper: 'app' })
    // There was none yet to be lost.
    expect(seen).toMatchObject({ readies: 1, retries: 1, lost: 0 })
    connect({ kind: 'live' })
    expect(seen.links).toEqual(['connecting', 'live'])
  })

  it('says why the first start failed, and counts a later one as a start', () => {
    const { connect, keep, seen } = start()
    connect({ kind: 'lost', error: away })
    keep({ kind: 'failed', error: { code: 'config-missing', file: '/c.json' } })
    keep({ kind: 'starting' })
    expect(seen.links).toEqual(['connecting', 'config-missing', 'connecting'])
  })

  it('has the keeper look after a core that went, and tells since when it is away', async () => {
    const { core, connect, keep, clock, seen } = start()
    keep({ kind: 'up', pid: 1, keeper: 'app' })
    connect({ kind: 'live' })
    const since = clock.now()
    connect({ kind: 'lost', error: away })
    await clock.advance(5_000)
    keep({ kind: 'starting' })
    expect([seen.lost, core.link()]).toEqual([1, { kind: 'lost', since, error: away, isStarting: true }])
    keep({ kind: 'up', pid: 2, keeper: 'app' })
    connect({ kind: 'live' })
    expect(core.link()).toEqual({ kind: 'live' })
  })

  it('has one that answers after its start was given up kept all the same', () => {
    const { connect, keep, seen } = start()
    keep({ kind: 'failed', error: { code: 'app-not-answering', home: '/h', limitMs: 30_000 } })
    expect(seen.readies).toBe(0)
    connect({ kind: 'live' })
    expect(seen.readies).toBe(1)
  })

  it('does not wait for one that ended on purpose, nor for one that others keep', () => {
    const { connect, keep, seen } = start()
    connect({ kind: 'live' })
    keep({ kind: 'ended' })
    connect({ kind: 'lost', error: away })
    keep({ kind: 'left', keeper: 'terminal' })
    expect(seen.links).toEqual(['live', 'app-not-running'])
  })

  it('names at once one that answers and is of another version', () => {
    const { connect, seen } = start()
    connect({ kind: 'lost', error: { code: 'core-older', pid: 7, home: '/h' } })
    expect(seen.links).toEqual(['core-older'])
  })

  it('tells nothing of a core that goes because the app quits', () => {
    const { core, connect, keep, seen } = start()
    connect({ kind: 'live' })
    core.leave()
    keep({ kind: 'ended' })
    connect({ kind: 'lost', error: away })
    expect(seen.links).toEqual(['live'])
  })
})
