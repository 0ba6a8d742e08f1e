import { describe, expect, it } from 'vitest'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import { code, drive } from './drive.ts'

const restart = { kind: 'restart-asked', now: false } as const
const stop = { kind: 'stop-asked', goal: 'stopped' } as const

describe('an engine that drains itself', () => {
  const draining = () => drive().serving(10).later(1000).dispatch(restart)

  it('gets SIGTERM at once, and shows the pushes until none is left', () => {
    const machine = draining()
    expect(machine.effects()).toEqual(['signal', 'list-uploads'])
    expect(machine.last('signal')?.signal).toBe('SIGTERM')
    expect(machine.state()).toMatchObject({
      kind: 'draining',
      cancellable: false,

      until: machine.at() + 15_000,
    })
    expect(machine.state()).toHaveProperty('then', 'restart')
    expect(machine.listed(10, 5).state()).toMatchObject({ kind: 'draining', pushes: [{ bytes: 5 }] })
    expect(machine.tick(250).effects()).toEqual(['list-uploads'])
    expect(machine.listed(10).state()).toMatchObject({ kind: 'stopping', killAt: 1200 + 20_000 })
    machine.later(30).exit(10, code(0))
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'asked-restart' })
    machine.up(11)
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'asked-restart', exit: code(0), downMs: 200 })
  })

  it('is stopping after 15 s and killed 20 s after SIGTERM, with the pushes that this interrupted', () => {
    const machine = draining().listed(10, 5, 6)
    machine.tick(15_000)
    expect(machine.state()).toMatchObject({ kind: 'stopping', killAt: 1200 + 20_000 })
    expect(machine.effects()).toEqual([])
    machine.tick(5000)
    expect(machine.last('signal')?.signal).toBe('SIGKILL')
    machine.exit(10, { kind: 'signal', signal: 'SIGKILL' })
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'asked-restart', pushesCut: 2 })
  })

  it('is killed by a second restart that does not wait', () => {
    const machine = draining().listed(10, 5).dispatch({ kind: 'restart-asked', now: true })
    expect(machine.last('signal')?.signal).toBe('SIGKILL')
    expect(machine.state()).toMatchObject({ kind: 'stopping', killAt: machine.at() })
  })

  it('has a moment to end by itself in a restart that does not wait', () => {
    const machine = drive().serving(10).dispatch({ kind: 'restart-asked', now: true })
    expect(machine.last('signal')?.signal).toBe('SIGTERM')
    expect(machine.tick(250).last('signal')?.signal).toBe('SIGKILL')
  })

  it('cannot be called back', () => {
    const machine = draining().dispatch({ kind: 'cancel-asked' })
    expect(machine.state().kind).toBe('draining')
  })

  it('is stopped, recorded as asked for, and not started again', () => {
    const machine = drive().serving(10).later(500).dispatch(stop).later(20).exit(10, code(0))
    expect(machine.state()).toEqual({ kind: 'stopped', since: 720, why: 'asked' })
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'asked-stop', ranForMs: 720 })
    expect(machine.dispatch({ kind: 'woke' }).tick(999_999).effects()).toEqual([])
  })
})

describe('an engine that cuts pushes at SIGTERM', () => {
  const draining = () => drive({ drainsItself: false }).serving(10).later(1000).dispatch(restart)

  it('gets SIGTERM after two quick listings when nothing is under way', () => {
    const machine = draining()
    expect(machine.effects()).toEqual(['list-uploads'])
    expect(machine.state()).toMatchObject({ kind: 'draining', cancellable: true })
    expect(machine.listed(10).effects()).toEqual([])
    expect(machine.tick(99).effects()).toEqual([])
    expect(machine.tick(1).effects()).toEqual(['list-uploads'])
    machine.listed(10)
    expect(machine.last('signal')?.signal).toBe('SIGTERM')
    expect(machine.state()).toMatchObject({ kind: 'stopping', killAt: machine.at() + 20_000 })
  })

  it('is left alone while a push is under way, also one that does not grow, and gets SIGTERM once it is over', () => {
    const machine = draining().listed(10, 100)
    for (let n = 0; n < 40; n++) machine.tick(250).listed(10, 200)
    expect(machine.state()).toMatchObject({ kind: 'draining', pushes: [{ bytes: 200 }] })
    machine.tick(250).listed(10)
    expect(machine.last('signal')?.signal).toBe('SIGTERM')
    machine.exit(10, code(0))
    expect(machine.journal().at(-1)).not.toHaveProperty('pushesCut')
  })

  it('names the pushes that its end cut off: as found afterwards, else as listed last', () => {
    const ended = (cut?: string[]) => {
      const machine = draining().listed(10, 1, 2)
      machine.tick(15_000).ended(10, { exit: code(0), lastLines: [], ...(cut ? { cut } : {}) })
      return machine.journal().at(-1)
    }
    expect(ended(['team/app'])).toMatchObject({ pushesCut: 1, cutRepositories: ['team/app'] })
    expect(ended()).toMatchObject({ pushesCut: 2, cutRepositories: ['a', 'a'] })
    expect(ended([])).not.toHaveProperty('pushesCut')
    const machine = drive()
      .serving(10)
      .ended(10, { exit: code(2), lastLines: [], cut: ['team/app'] })
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'crashed', cutRepositories: ['team/app'] })
  })

  it('gets SIGTERM after 15 s whatever grows', () => {
    const machine = draining().listed(10, 1)
    for (let n = 0; n < 59; n++) machine.tick(250).listed(10, n + 2)
    expect(machine.state().kind).toBe('draining')
    expect(machine.tick(250).last('signal')?.signal).toBe('SIGTERM')
  })

  it('gets SIGTERM at once by a restart that does not wait', () => {
    expect(
      draining().listed(10, 1).dispatch({ kind: 'restart-asked', now: true }).last('signal')?.signal,
    ).toBe('SIGTERM')
    const machine = drive({ drainsItself: false }).serving(10).dispatch({ kind: 'restart-asked', now: true })
    expect(machine.last('signal')?.signal).toBe('SIGTERM')
    expect(machine.state()).toMatchObject({ killAt: machine.at() + 20_000 })
  })

  it('goes on serving when it is called back, or asked to start', () => {
    for (const kind of ['cancel-asked', 'start-asked'] as const) {
      const machine = draining().listed(10, 1).dispatch({ kind })
      expect(machine.state()).toEqual({ kind: 'serving', since: 200, pid: 10, startedAt: 0, adopted: false })
      expect(machine.effects()).toEqual([])
    }
  })

  it('that dies meanwhile is recorded as a crash, and what was asked for happens', () => {
    const machine = draining().exit(10)
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'crashed' })
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'asked-restart' })
    const other = drive({ drainsItself: false }).serving(10).dispatch(stop).exit(10)
    expect(other.state().kind).toBe('stopped')
  })
})

describe('a change of mind', () => {
  it('turns a stop into a restart and back', () => {
    const machine = drive().serving(10).dispatch(stop).listed(10)
    expect(machine.state()).toMatchObject({ kind: 'stopping' })
    expect(machine.state()).toHaveProperty('then', 'stopped')
    expect(machine.dispatch({ kind: 'start-asked' }).state()).toHaveProperty('then', 'restart')
    expect(machine.dispatch(stop).state()).toHaveProperty('then', 'stopped')
    expect(machine.dispatch(restart).exit(10, code(0)).state().kind).toBe('starting')
  })

  it('comes too late once the app quits', () => {
    const machine = drive().serving(10).dispatch({ kind: 'stop-asked', goal: 'quit' }).listed(10)
    machine.dispatch({ kind: 'start-asked' }).dispatch(restart).dispatch(stop).exit(10, code(0))
    expect(machine.state()).toMatchObject({ kind: 'stopped', why: 'quit' })
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'app-quit' })
  })
})

describe('a process that survives SIGKILL', () => {
  it('is reported, and nothing is started beside it', () => {
    const machine = drive().serving(10).dispatch(restart).listed(10, 1)
    machine.tick(15_000).tick(5000).tick(policy.giveUpAfterMs)
    expect(machine.state()).toMatchObject({ kind: 'failed', error: { code: 'stop-failed', pid: 10 } })
    expect(machine.dispatch({ kind: 'start-asked' }).effects()).toEqual(['signal'])
    machine.exit(10, { kind: 'signal', signal: 'SIGKILL' })
    expect(machine.state().kind).toBe('starting')
  })
})

describe('sleep', () => {
  it('begins the waits for a drain and for an end anew', () => {
    const machine = drive()
      .serving(10)
      .dispatch(restart)
      .listed(10, 1)
      .later(3_600_000)
      .dispatch({ kind: 'woke' })
    expect(machine.tick(100).state().kind).toBe('draining')
    machine.listed(10).later(3_600_000).dispatch({ kind: 'woke' })
    expect(machine.tick(100).effects()).toEqual([])
    expect(machine.state().kind).toBe('stopping')
  })
})
