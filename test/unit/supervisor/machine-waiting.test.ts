import { describe, expect, it } from 'vitest'
import type { Ending } from '../../../core/supervisor/state.ts'
import { code, drive, free } from './drive.ts'

const noIssuer: Ending = {
  exit: code(2),
  lastLines: ['panic: no issuer'],
  lastWord: 'no issuer',
  waitsFor: 'identity-provider',
}

const begun = () => drive({ drainsItself: false }).dispatch({ kind: 'app-started' }).checked(free)

describe('a start that waits for something outside', () => {
  it('is tried again every 10 s, without end and without a crash loop', () => {
    const machine = begun().spawned(1).later(300).ended(1, noIssuer)
    expect(machine.state()).toMatchObject({
      kind: 'backing-off',
      until: 10_000,
      waitsFor: 'identity-provider',
      waitingSince: 0,
      lastWord: 'no issuer',
    })
    for (let pid = 2; pid < 30; pid++) {
      machine.tick(9700).checked(free).spawned(pid)
      expect(machine.state()).toMatchObject({
        kind: 'starting',
        pid,
        waitsFor: 'identity-provider',
        waitingSince: 0,
      })
      machine.later(300).ended(pid, noIssuer)
      expect(machine.state()).toMatchObject({ kind: 'backing-off', until: machine.at() + 9700 })
    }
    machine.tick(9700).up(30)
    expect(machine.memory()).toMatchObject({ exits: [] })
    expect(machine.memory()).not.toHaveProperty('lastEnd')
    // One line for all of it, with the time that it took.
    const [first, back] = machine.journal()
    expect(first).toMatchObject({ cause: 'start-failed', lastWord: 'no issuer' })
    expect(back).toEqual({ ...first, downMs: machine.at() - 300 })
    expect(machine.journal()).toHaveLength(2)
  })

  it('that took longer than 10 s is tried again after 1 s', () => {
    const machine = begun().spawned(1).later(60_000).ended(1, noIssuer)
    expect(machine.state()).toMatchObject({ kind: 'backing-off', until: 61_000 })
  })

  it('begins no row: what it crashes of afterwards counts from one, and another wait is another line', () => {
    const machine = begun().spawned(1).ended(1, noIssuer).tick(10_000).checked(free).spawned(2)
    machine.ended(2, { ...noIssuer, waitsFor: 'lock' })
    expect(machine.state()).toMatchObject({ waitsFor: 'lock', waitingSince: 10_000 })
    expect(machine.journal()).toHaveLength(2)
    machine.tick(10_000).checked(free).spawned(3).exit(3)
    expect(machine.state().kind).toBe('starting')
    expect(machine.state()).not.toHaveProperty('waitsFor')
    expect(machine.memory()).toMatchObject({ attempt: 1, exits: [20_000] })
  })

  it('goes on waiting when somebody asks for a start, and not after a stop', () => {
    const machine = begun().spawned(1).ended(1, noIssuer).dispatch({ kind: 'start-asked' })
    expect(machine.state()).toMatchObject({ kind: 'starting', waitsFor: 'identity-provider' })
    machine.checked(free).spawned(2).ended(2, noIssuer).dispatch({ kind: 'stop-asked', goal: 'stopped' })
    expect(machine.memory()).not.toHaveProperty('lastEnd')
  })

  it('is none of a registry that served', () => {
    const machine = drive().serving(1).later(1000).ended(1, noIssuer)
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'crashed', lastWord: 'no issuer' })
    expect(machine.state()).not.toHaveProperty('waitsFor')
  })
})
