import { describe, expect, it } from 'vitest'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import { code, drive, free } from './drive.ts'

describe('an end that nobody asked for', () => {
  it('is followed by a start at once, and reported with what it cost', () => {
    const machine = drive()
      .serving(10)
      .later(60_000)
      .exit(10, { kind: 'signal', signal: 'SIGSEGV' }, ['boom'])
    expect(machine.effects()).toEqual(['forget-record', 'journal', 'check'])
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'crashed' })
    machine.up(11)
    const [, crash, back] = machine.journal()
    expect(crash).toMatchObject({
      cause: 'crashed',
      exit: { kind: 'signal', signal: 'SIGSEGV' },
      ranForMs: 60_200,
      lastLines: ['boom'],
      pid: 10,
    })
    expect(crash).not.toHaveProperty('downMs')
    expect(back).toEqual({ ...crash, downMs: 200 })
    expect(machine.journal()).toHaveLength(3)
  })

  it('with exit 0 is distinguished from a crash, and restarted all the same', () => {
    const machine = drive().serving(10).exit(10, code(0))
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'ended-by-itself' })
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'ended-by-itself' })
  })

  it('waits 0, 1, 2, 4, 8, 15 s, then gives up loudly with the last lines', () => {
    const machine = drive({ policy: { ...policy, loopExits: 7, loopWindowMs: 600_000 } }).serving(1)
    const waits = [1, 2, 3, 4, 5, 6, 7].map(n => {
      machine.exit(n)
      const state = machine.state()
      const wait = state.kind === 'backing-off' ? state.until - machine.at() : 0
      if (wait > 0) machine.tick(wait)
      machine.checked(free).spawned(n + 1)
      return wait
    })
    expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 15_000, 15_000])
    machine.exit(8, code(3), ['why'])
    expect(machine.state()).toMatchObject({
      kind: 'crash-looping',
      exits: 8,
      exit: code(3),
      lastLines: ['why'],
    })
  })

  it('is a crash loop at the sixth within 60 s', () => {
    const machine = drive().serving(1)
    for (const n of [1, 2, 3, 4, 5]) {
      machine.exit(n)
      if (machine.state().kind === 'backing-off') machine.tick(20_000 / 2)
      expect(machine.state().kind).toBe('starting')
      machine.checked(free).spawned(n + 1)
    }
    machine.exit(6)
    expect(machine.state()).toMatchObject({ kind: 'crash-looping', exits: 6, windowMs: 60_000 })
    expect(machine.state()).toHaveProperty('retryAt', machine.at() + 300_000)
  })

  it('spreads the waits', () => {
    const wait = (jitter: number) => {
      const machine = drive({ jitterRatio: 0.2 }).serving(1).exit(1).checked(free).spawned(2)
      machine.dispatch({ kind: 'exited', pid: 2, exit: code(1), lastLines: [], jitter })
      const state = machine.state()
      return state.kind === 'backing-off' ? state.until - machine.at() : undefined
    }
    expect([wait(0), wait(0.5), wait(0.999)]).toEqual([800, 1000, 1200])
  })

  it('is the first in a row again after 30 s of serving', () => {
    const machine = drive().serving(1).exit(1).up(2).exit(2)
    expect(machine.state()).toMatchObject({ kind: 'backing-off', attempt: 1, waits: policy.backoffMs })
    machine.tick(1000).up(3).later(30_000).exit(3)
    expect(machine.state().kind).toBe('starting')
  })

  const looping = () => {
    const machine = drive().serving(1)
    for (const n of [1, 2, 3, 4, 5]) {
      machine.exit(n)
      if (machine.state().kind === 'backing-off') machine.tick(10_000)
      machine.checked(free).spawned(n + 1)
    }
    return machine.exit(6)
  }

  it('in a crash loop, is tried again after 5 min, on waking and on demand', () => {
    expect(looping().tick(300_000).state()).toMatchObject({ kind: 'starting', cause: 'retry' })
    expect(looping().dispatch({ kind: 'woke' }).state()).toMatchObject({ kind: 'starting', cause: 'woke' })
    const asked = looping().later(120_000).dispatch({ kind: 'start-asked' })
    expect(asked.state()).toMatchObject({ kind: 'starting', cause: 'asked-start' })
    expect(looping().dispatch({ kind: 'stop-asked', goal: 'stopped' }).state().kind).toBe('stopped')
  })

  it('after a retry by itself is the loop again: every exit of the row is counted, over all of its time', () => {
    const machine = looping()
    const begun = machine.memory().exits[0] ?? Number.NaN
    machine.tick(300_000).up(20).later(1000).exit(20)
    const windowMs = machine.at() - begun
    expect(machine.state()).toMatchObject({ kind: 'crash-looping', exits: 7, windowMs })
    expect(windowMs).toBeGreaterThan(300_000)
    machine.tick(300_000).up(21).later(30_000).exit(21)
    expect(machine.state().kind).toBe('starting')
    expect(machine.memory()).toMatchObject({ exits: [machine.at()], isLooping: false })
  })

  it('is the first again once somebody asked, for a start, a restart or a stop', () => {
    const again = (machine: ReturnType<typeof looping>) => machine.up(20).later(1000).exit(20)
    const asked = again(looping().dispatch({ kind: 'start-asked' }))
    expect(asked.state().kind).toBe('starting')
    expect(asked.memory().exits).toHaveLength(1)
    const restarted = drive().serving(1).exit(1).up(2).exit(2).tick(1000).up(3)
    restarted.dispatch({ kind: 'restart-asked', now: true }).exit(3).up(4).exit(4)
    expect(restarted.memory().exits).toHaveLength(1)
    const stopped = looping().dispatch({ kind: 'stop-asked', goal: 'stopped' })
    expect(stopped.memory()).toMatchObject({ exits: [], attempt: 0, isLooping: false })
  })

  it('is reported with its last word, until it serves again', () => {
    const ending = { exit: code(2), lastLines: ['a', 'b'], lastWord: 'no such file' }
    const machine = drive().serving(1).ended(1, ending)
    expect(machine.state()).toMatchObject({ kind: 'starting', lastWord: 'no such file' })
    machine.checked(free).spawned(2).ended(2, ending)
    expect(machine.state()).toMatchObject({ kind: 'backing-off', lastWord: 'no such file' })
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'start-failed', lastWord: 'no such file' })
    machine.tick(1000).up(3)
    expect(machine.memory()).not.toHaveProperty('lastEnd')
    for (const n of [3, 4, 5, 6]) {
      machine.ended(n, ending)
      if (machine.state().kind === 'backing-off') machine.tick(4000)
      machine.checked(free).spawned(n + 1)
    }
    machine.ended(7, ending)
    expect(machine.state()).toMatchObject({ kind: 'crash-looping', lastWord: 'no such file' })
  })

  it('with the port in other hands is no crash: the other one is named', () => {
    const machine = drive({ drainsItself: false })
      .dispatch({ kind: 'start-asked' })
      .checked(free)
      .spawned(10)
      .exit(10, code(0))
    machine.checked({ kind: 'taken', port: 5050, owner: { pid: 99 } })
    expect(machine.state()).toMatchObject({ kind: 'foreign', pid: 99 })
    expect(machine.memory()).toMatchObject({ attempt: 0, exits: [] })
    // The same, found while the next start is waited for.
    const late = drive().serving(1).exit(1).up(2).exit(2)
    expect(late.effects()).toContain('check-port')
    late.checked({ kind: 'taken', port: 5050, owner: { pid: 99 } })
    expect(late.state()).toMatchObject({ kind: 'foreign', pid: 99 })
  })

  it('by hanging is a SIGKILL, and down since the last answer', () => {
    const machine = drive().serving(10).later(20_000)
    machine.dispatch({ kind: 'hung', pid: 10, answeredAt: 5200 })
    expect(machine.last('signal')).toMatchObject({ signal: 'SIGKILL', registry: { pid: 10 } })
    expect(machine.state()).toMatchObject({ kind: 'stopping' })
    expect(machine.state()).toHaveProperty('then', 'restart')
    machine.exit(10, { kind: 'signal', signal: 'SIGKILL' }).up(11)
    expect(machine.journal().at(-1)).toMatchObject({ cause: 'hung', downMs: machine.at() - 5200 })
  })

  it('is not reported of a process that is silent for a while: the silence is shown, and it is asked again', () => {
    const machine = drive().serving(10).later(20_000)
    const serving = machine.state()
    const silence = { since: 5200, overloaded: false }
    machine.dispatch({ kind: 'silent', pid: 10, silence })
    expect(machine.state()).toEqual({ ...serving, silence })
    expect(machine.effects()).toEqual([])
    machine.dispatch({ kind: 'silent', pid: 11, silence: undefined })
    expect(machine.state()).toEqual({ ...serving, silence })
    machine.dispatch({ kind: 'silent', pid: 10, silence: undefined })
    expect(machine.state()).toEqual(serving)
    machine.dispatch({ kind: 'silent', pid: 10, silence }).dispatch({ kind: 'woke' })
    expect(machine.state()).toEqual(serving)
    expect(machine.dispatch({ kind: 'silent', pid: 11, silence }).state()).toEqual(serving)
  })

  it('of another process changes nothing', () => {
    const machine = drive().serving(10).exit(9)
    expect(machine.effects()).toEqual([])
    expect(machine.state().kind).toBe('serving')
  })
})
