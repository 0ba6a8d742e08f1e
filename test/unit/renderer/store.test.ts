import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ZotbarBridge } from '../../../contract/contract.ts'
import { fail, ok } from '../../../contract/result.ts'
import type { Snapshot } from '../../../contract/snapshot.ts'
import type { Link } from '../../../renderer/bridge/connection.ts'
import { createStore } from '../../../renderer/bridge/store.ts'
import { snapshotOf, states } from '../../e2e/snapshots.ts'

const start = 1_800_000_000_000

/** A bridge whose answers and events the test decides. */
function staged() {
  let current = snapshotOf(states.serving(start), start)
  let hear: (snapshot: Snapshot) => void = () => {}
  let link: (link: Link) => void = () => {}
  const restart = Promise.withResolvers<Awaited<ReturnType<ZotbarBridge['registry']['restart']>>>()
  const bridge = {
    app: { snapshot: async () => ok(current), open: async () => ok(null), quit: async () => ok(null) },
    registry: { restart: () => restart.promise },
    engine: { use: async () => fail({ code: 'cancelled' }) },
    on: (_: string, listener: typeof hear) => {
      hear = listener
      return () => {}
    },
  } as unknown as ZotbarBridge
  const store = createStore({ shell: 'dashboard', bridge, watch: listener => (link = listener) }, Date.now)
  return {
    store,
    restart,
    link: (next: Link) => link(next),
    say: (next: Snapshot) => {
      current = next
      hear(next)
    },
    kind: () => store.state().snapshot?.process.kind,
  }
}

describe('what the views are told', () => {
  let kept = new Map<string, string>()
  beforeEach(() => {
    vi.useFakeTimers({ now: start })
    kept = new Map()
    vi.stubGlobal('localStorage', {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
    })
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('asks for the state as soon as the app answers', async () => {
    const stage = staged()
    expect(stage.store.state()).toMatchObject({ fresh: false })
    stage.link({ kind: 'live' })
    await vi.advanceTimersByTimeAsync(0)
    expect(stage.store.state()).toMatchObject({ fresh: true })
    expect(stage.kind()).toBe('serving')
  })

  it('keeps the last state for the next page, without the address that carries a token', () => {
    staged().say(
      snapshotOf(states.serving(start), start, { dashboard: { url: 'http://127.0.0.1:1/#token=x' } }),
    )
    expect([...kept.values()].join()).not.toContain('token')
    const next = staged()
    expect(next.kind()).toBe('serving')
    expect(next.store.state().fresh).toBe(false)
  })

  it('shows a predicted state until the app reports a new one, through reports of the old one', () => {
    const stage = staged()
    stage.say(snapshotOf(states.serving(start), start))
    stage.store.act('restart')
    expect(stage.kind()).toBe('draining')
    stage.say(snapshotOf(states.serving(start), start + 1))
    expect(stage.kind()).toBe('draining')
    stage.say(snapshotOf(states.stopping(start), start + 2))
    expect(stage.kind()).toBe('stopping')
    expect(stage.store.state().transition?.goal).toBe('restart')
  })

  it('shows the real state when the prediction has stood for too long', () => {
    const stage = staged()
    stage.say(snapshotOf(states.serving(start), start))
    stage.store.act('restart')
    vi.advanceTimersByTime(2_000)
    expect(stage.kind()).toBe('serving')
    expect(stage.store.state().transition).toBeUndefined()
  })

  it('says nothing of a choice that was declined', async () => {
    const stage = staged()
    stage.say(snapshotOf(states.undecided(start), start))
    stage.store.act('use-zot')
    await vi.advanceTimersByTimeAsync(0)
    expect(stage.kind()).toBe('undecided')
    expect(stage.store.state().failure).toBeUndefined()
  })

  it('tells a failed command until the process changes', async () => {
    const stage = staged()
    stage.say(snapshotOf(states.serving(start), start))
    stage.store.act('restart')
    stage.restart.resolve(fail({ code: 'quitting' }))
    await vi.advanceTimersByTimeAsync(0)
    expect(stage.kind()).toBe('serving')
    expect(stage.store.state().failure).toEqual({ code: 'quitting' })
    stage.say(snapshotOf(states.stopped(start), start + 5))
    expect(stage.store.state().failure).toBeUndefined()
  })

  it('does not go back to an older state', () => {
    const stage = staged()
    stage.say(snapshotOf(states.stopped(start), start + 10))
    stage.say(snapshotOf(states.serving(start), start + 5))
    expect(stage.kind()).toBe('stopped')
  })
})
