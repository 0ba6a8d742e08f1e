import { describe, expect, it } from 'vitest'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import { code, drive, free } from './drive.ts'

describe('an end that nobody asked for', () => {
  it('is followed by a start at once, and told with what it cost', () => {
    const it = drive().serving(10).later(60_000).exit(10, { kind: 'signal', signal: 'SIGSEGV' }, ['boom'])
    expect(it.effects()).toEqual(['forget-record', 'journal', 'check'])
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'crashed' })
    it.up(11)
    const [, crash, back] = it.journal()
    expect(crash).toMatchObject({
      cause: 'crashed',
      exit: { kind: 'signal', signal: 'SIGSEGV' },
      ranForMs: 60_200,
      lastLines: ['boom'],
      pid: 10,
    })
    expect(crash).not.toHaveProperty('downMs')
    expect(back).toEqual({ ...crash, downMs: 200 })
    expect(it.journal()).toHaveLength(3)
  })

  it('with exit 0 is told apart from a crash, and restarted all the same', () => {
    const it = drive().serving(10).exit(10, code(0))
    expect(it.journal().at(-1)).toMatchObject({ cause: 'ended-by-itself' })
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'ended-by-itself' })
  })

  it('waits 0, 1, 2, 4, 8, 15 s, then gives up loudly with the last lines', () => {
    const it = drive({ policy: { ...policy, loopExits: 7, loopWindowMs: 600_000 } }).serving(1)
    const waits = [1, 2, 3, 4, 5, 6, 7].map(n => {
      it.exit(n)
      const state = it.state()
      const wait = state.kind === 'backing-off' ? state.until - it.at() : 0
      if (wait > 0) it.tick(wait)
      it.found(free).spawned(n + 1)
      return wait
    })
    expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 15_000, 15_000])
    it.exit(8, code(3), ['why'])
    expect(it.state()).toMatchObject({ kind: 'crash-looping', exits: 8, exit: code(3), lastLines: ['why'] })
  })

  it('is a crash loop at the sixth within 60 s', () => {
    const it = drive().serving(1)
    for (const n of [1, 2, 3, 4, 5]) {
      it.exit(n)
      if (it.state().kind === 'backing-off') it.tick(20_000 / 2)
      expect(it.state().kind).toBe('starting')
      it.found(free).spawned(n + 1)
    }
    it.exit(6)
    expect(it.state()).toMatchObject({ kind: 'crash-looping', exits: 6, windowMs: 60_000 })
    expect(it.state()).toHaveProperty('retryAt', it.at() + 300_000)
  })

  it('spreads the waits', () => {
    const wait = (jitter: number) => {
      const it = drive({ jitterRatio: 0.2 }).serving(1).exit(1).found(free).spawned(2)
      it.tell({ kind: 'exited', pid: 2, exit: code(1), lastLines: [], jitter })
      const state = it.state()
      return state.kind === 'backing-off' ? state.until - it.at() : undefined
    }
    expect([wait(0), wait(0.5), wait(0.999)]).toEqual([800, 1000, 1200])
  })

  it('is the first in a row again after 30 s of serving', () => {
    const it = drive().serving(1).exit(1).up(2).exit(2)
    expect(it.state()).toMatchObject({ kind: 'backing-off', attempt: 1, waits: policy.backoffMs })
    it.tick(1000).up(3).later(30_000).exit(3)
    expect(it.state().kind).toBe('starting')
  })

  it('in a crash loop, is tried again after 5 min, on waking and on demand, and one more exit is the loop again', () => {
    const looping = () => {
      const it = drive().serving(1)
      for (const n of [1, 2, 3, 4, 5]) {
        it.exit(n)
        if (it.state().kind === 'backing-off') it.tick(10_000)
        it.found(free).spawned(n + 1)
      }
      return it.exit(6)
    }
    expect(looping().tick(300_000).state()).toMatchObject({ kind: 'starting', cause: 'retry' })
    expect(looping().tell({ kind: 'woke' }).state()).toMatchObject({ kind: 'starting', cause: 'woke' })
    const asked = looping().later(120_000).tell({ kind: 'start-asked' })
    expect(asked.state()).toMatchObject({ kind: 'starting', cause: 'asked-start' })
    asked.found(free).spawned(20).exit(20)
    expect(asked.state()).toMatchObject({ kind: 'crash-looping', exits: 6 })
    asked.tell({ kind: 'start-asked' }).up(21).later(30_000).exit(21)
    expect(asked.state().kind).toBe('starting')
    expect(looping().tell({ kind: 'stop-asked', goal: 'stopped' }).state().kind).toBe('stopped')
  })

  it('with the port in other hands is no crash: the other one is named', () => {
    const it = drive({ drainsItself: false })
      .tell({ kind: 'start-asked' })
      .found(free)
      .spawned(10)
      .exit(10, code(0))
    it.found({ kind: 'taken', port: 5050, owner: { pid: 99 } })
    expect(it.state()).toMatchObject({ kind: 'foreign', pid: 99 })
    expect(it.memory()).toMatchObject({ attempt: 0, exits: [] })
    // The same, found while the next start is waited for.
    const late = drive().serving(1).exit(1).up(2).exit(2)
    expect(late.effects()).toContain('check-port')
    late.found({ kind: 'taken', port: 5050, owner: { pid: 99 } })
    expect(late.state()).toMatchObject({ kind: 'foreign', pid: 99 })
  })

  it('by hanging is a SIGKILL, and down since the last answer', () => {
    const it = drive().serving(10).later(20_000)
    it.tell({ kind: 'hung', pid: 10, answeredAt: 5200 })
    expect(it.last('signal')).toMatchObject({ signal: 'SIGKILL', registry: { pid: 10 } })
    expect(it.state()).toMatchObject({ kind: 'stopping' })
    expect(it.state()).toHaveProperty('then', 'restart')
    it.exit(10, { kind: 'signal', signal: 'SIGKILL' }).up(11)
    expect(it.journal().at(-1)).toMatchObject({ cause: 'hung', downMs: it.at() - 5200 })
  })

  it('is not told of a process that is silent for a while: that is said, and it is asked on', () => {
    const it = drive().serving(10).later(20_000)
    const serving = it.state()
    const silence = { since: 5200, overloaded: false }
    it.tell({ kind: 'silent', pid: 10, silence })
    expect(it.state()).toEqual({ ...serving, silence })
    expect(it.effects()).toEqual([])
    it.tell({ kind: 'silent', pid: 11, silence: undefined })
    expect(it.state()).toEqual({ ...serving, silence })
    it.tell({ kind: 'silent', pid: 10, silence: undefined })
    expect(it.state()).toEqual(serving)
    it.tell({ kind: 'silent', pid: 10, silence }).tell({ kind: 'woke' })
    expect(it.state()).toEqual(serving)
    expect(it.tell({ kind: 'silent', pid: 11, silence }).state()).toEqual(serving)
  })

  it('of another process changes nothing', () => {
    const it = drive().serving(10).exit(9)
    expect(it.effects()).toEqual([])
    expect(it.state().kind).toBe('serving')
  })
})
