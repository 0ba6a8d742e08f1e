import { describe, expect, it } from 'vitest'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import { code, drive } from './drive.ts'

const restart = { kind: 'restart-asked', now: false } as const
const stop = { kind: 'stop-asked', goal: 'stopped' } as const

describe('an engine that drains itself', () => {
  const draining = () => drive().serving(10).later(1000).tell(restart)

  it('is told to at once, and shows the pushes until none is left', () => {
    const it = draining()
    expect(it.effects()).toEqual(['signal', 'list-uploads'])
    expect(it.last('signal')?.signal).toBe('SIGTERM')
    expect(it.state()).toMatchObject({
      kind: 'draining',
      cancellable: false,

      until: it.at() + 15_000,
    })
    expect(it.state()).toHaveProperty('then', 'restart')
    expect(it.seen(10, 5).state()).toMatchObject({ kind: 'draining', pushes: [{ bytes: 5 }] })
    expect(it.tick(250).effects()).toEqual(['list-uploads'])
    expect(it.seen(10).state()).toMatchObject({ kind: 'stopping', killAt: 1200 + 20_000 })
    it.later(30).exit(10, code(0))
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'asked-restart' })
    it.up(11)
    expect(it.journal().at(-1)).toMatchObject({ cause: 'asked-restart', exit: code(0), downMs: 200 })
  })

  it('is stopping after 15 s and killed 20 s after SIGTERM, with the pushes that this cut', () => {
    const it = draining().seen(10, 5, 6)
    it.tick(15_000)
    expect(it.state()).toMatchObject({ kind: 'stopping', killAt: 1200 + 20_000 })
    expect(it.effects()).toEqual([])
    it.tick(5000)
    expect(it.last('signal')?.signal).toBe('SIGKILL')
    it.exit(10, { kind: 'signal', signal: 'SIGKILL' })
    expect(it.journal().at(-1)).toMatchObject({ cause: 'asked-restart', pushesCut: 2 })
  })

  it('is killed by a second restart that does not wait', () => {
    const it = draining().seen(10, 5).tell({ kind: 'restart-asked', now: true })
    expect(it.last('signal')?.signal).toBe('SIGKILL')
    expect(it.state()).toMatchObject({ kind: 'stopping', killAt: it.at() })
  })

  it('has a moment to end by itself in a restart that does not wait', () => {
    const it = drive().serving(10).tell({ kind: 'restart-asked', now: true })
    expect(it.last('signal')?.signal).toBe('SIGTERM')
    expect(it.tick(250).last('signal')?.signal).toBe('SIGKILL')
  })

  it('cannot be called back', () => {
    const it = draining().tell({ kind: 'cancel-asked' })
    expect(it.state().kind).toBe('draining')
  })

  it('is stopped, told as asked for, and not started again', () => {
    const it = drive().serving(10).later(500).tell(stop).later(20).exit(10, code(0))
    expect(it.state()).toEqual({ kind: 'stopped', since: 720, why: 'asked' })
    expect(it.journal().at(-1)).toMatchObject({ cause: 'asked-stop', ranForMs: 720 })
    expect(it.tell({ kind: 'woke' }).tick(999_999).effects()).toEqual([])
  })
})

describe('an engine that cuts pushes at SIGTERM', () => {
  const draining = () => drive({ drainsItself: false }).serving(10).later(1000).tell(restart)

  it('is told after two quick looks when nothing is under way', () => {
    const it = draining()
    expect(it.effects()).toEqual(['list-uploads'])
    expect(it.state()).toMatchObject({ kind: 'draining', cancellable: true })
    expect(it.seen(10).effects()).toEqual([])
    expect(it.tick(99).effects()).toEqual([])
    expect(it.tick(1).effects()).toEqual(['list-uploads'])
    it.seen(10)
    expect(it.last('signal')?.signal).toBe('SIGTERM')
    expect(it.state()).toMatchObject({ kind: 'stopping', killAt: it.at() + 20_000 })
  })

  it('is left alone while a push grows, and told 1 s after the last growth', () => {
    const it = draining().seen(10, 100)
    for (const bytes of [200, 300, 400]) it.tick(250).seen(10, bytes)
    const grown = it.at()
    while (it.state().kind === 'draining') it.tick(250).seen(10, 400)
    expect(it.at() - grown).toBe(1000)
    expect(it.last('signal')?.signal).toBe('SIGTERM')
    it.exit(10, code(0))
    expect(it.journal().at(-1)).toMatchObject({ pushesCut: 1 })
  })

  it('is told after 15 s whatever grows', () => {
    const it = draining().seen(10, 1)
    for (let n = 0; n < 59; n++) it.tick(250).seen(10, n + 2)
    expect(it.state().kind).toBe('draining')
    expect(it.tick(250).last('signal')?.signal).toBe('SIGTERM')
  })

  it('is told at once by a restart that does not wait', () => {
    expect(draining().seen(10, 1).tell({ kind: 'restart-asked', now: true }).last('signal')?.signal).toBe(
      'SIGTERM',
    )
    const it = drive({ drainsItself: false }).serving(10).tell({ kind: 'restart-asked', now: true })
    expect(it.last('signal')?.signal).toBe('SIGTERM')
    expect(it.state()).toMatchObject({ killAt: it.at() + 20_000 })
  })

  it('goes on serving when it is called back, or asked to start', () => {
    for (const kind of ['cancel-asked', 'start-asked'] as const) {
      const it = draining().seen(10, 1).tell({ kind })
      expect(it.state()).toEqual({ kind: 'serving', since: 200, pid: 10, startedAt: 0, adopted: false })
      expect(it.effects()).toEqual([])
    }
  })

  it('that dies meanwhile is told as a crash, and what was asked for happens', () => {
    const it = draining().exit(10)
    expect(it.journal().at(-1)).toMatchObject({ cause: 'crashed' })
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'asked-restart' })
    const other = drive({ drainsItself: false }).serving(10).tell(stop).exit(10)
    expect(other.state().kind).toBe('stopped')
  })
})

describe('a change of mind', () => {
  it('turns a stop into a restart and back', () => {
    const it = drive().serving(10).tell(stop).seen(10)
    expect(it.state()).toMatchObject({ kind: 'stopping' })
    expect(it.state()).toHaveProperty('then', 'stopped')
    expect(it.tell({ kind: 'start-asked' }).state()).toHaveProperty('then', 'restart')
    expect(it.tell(stop).state()).toHaveProperty('then', 'stopped')
    expect(it.tell(restart).exit(10, code(0)).state().kind).toBe('starting')
  })

  it('comes too late once the app quits', () => {
    const it = drive().serving(10).tell({ kind: 'stop-asked', goal: 'quit' }).seen(10)
    it.tell({ kind: 'start-asked' }).tell(restart).tell(stop).exit(10, code(0))
    expect(it.state()).toMatchObject({ kind: 'stopped', why: 'quit' })
    expect(it.journal().at(-1)).toMatchObject({ cause: 'app-quit' })
  })
})

describe('a process that survives SIGKILL', () => {
  it('is told, and nothing is started beside it', () => {
    const it = drive().serving(10).tell(restart).seen(10, 1)
    it.tick(15_000).tick(5000).tick(policy.giveUpAfterMs)
    expect(it.state()).toMatchObject({ kind: 'failed', error: { code: 'stop-failed', pid: 10 } })
    expect(it.tell({ kind: 'start-asked' }).effects()).toEqual(['signal'])
    it.exit(10, { kind: 'signal', signal: 'SIGKILL' })
    expect(it.state().kind).toBe('starting')
  })
})

describe('sleep', () => {
  it('begins the waits for a drain and for an end anew', () => {
    const it = drive().serving(10).tell(restart).seen(10, 1).later(3_600_000).tell({ kind: 'woke' })
    expect(it.tick(100).state().kind).toBe('draining')
    it.seen(10).later(3_600_000).tell({ kind: 'woke' })
    expect(it.tick(100).effects()).toEqual([])
    expect(it.state().kind).toBe('stopping')
  })
})
