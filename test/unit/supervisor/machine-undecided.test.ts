import { describe, expect, it } from 'vitest'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import type { CheckResult } from '../../../core/supervisor/state.ts'
import { otherFolder, zotStore } from '../../fakes/undecided.ts'
import { code, drive, free } from './drive.ts'

const open: CheckResult = { kind: 'undecided', undecided: zotStore(0) }
const moved: CheckResult = { kind: 'undecided', undecided: otherFolder(0) }
const begun = () => drive().dispatch({ kind: 'app-started' }).checked(open)

describe('a choice that is open', () => {
  it('starts nothing, says what was found, and checks again by itself, on waking and when asked', () => {
    const machine = begun()
    expect(machine.state()).toEqual({ kind: 'undecided', since: 0, ...zotStore(0) })
    expect(machine.effects()).toEqual([])
    expect(machine.tick(policy.failedRetryMs - 1).effects()).toEqual([])
    expect(machine.tick(1).effects()).toEqual(['check'])
    expect(machine.state()).toMatchObject({ kind: 'undecided', since: 0 })
    machine.checked(open)
    expect(machine.dispatch({ kind: 'woke' }).effects()).toEqual(['check'])
    machine.checked(free)
    expect(machine.effects()).toEqual(['spawn'])
  })

  it('is shown with what is found now: since when stays, another reason is another choice', () => {
    const machine = begun().tick(policy.failedRetryMs)
    const fuller = zotStore(0)
    machine.checked({
      kind: 'undecided',
      undecided: { ...fuller, found: { ...fuller.found, repositories: 59 } },
    })
    expect(machine.state()).toMatchObject({ kind: 'undecided', since: 0, found: { repositories: 59 } })
    machine.tick(policy.failedRetryMs).checked(moved)
    expect(machine.state()).toMatchObject({ kind: 'undecided', since: 10_000, why: 'other-folder' })
  })

  it('gives way to somebody on the port, to a failure, and to a stop', () => {
    const taken: CheckResult = { kind: 'taken', port: 5050, owner: { pid: 99, zot: { version: 'v2.1.13' } } }
    const machine = begun().tick(policy.failedRetryMs).checked(taken)
    expect(machine.state()).toMatchObject({ kind: 'foreign', pid: 99, zot: { version: 'v2.1.13' } })
    // A zot that leaves the port leaves a choice.
    expect(machine.tick(policy.foreignRetryMs).checked(open).state()).toMatchObject({ kind: 'undecided' })
    const error = { code: 'data-read-only' as const, path: '/v' }
    const failed = begun().tick(policy.failedRetryMs).checked({ kind: 'refused', error })
    expect(failed.state()).toMatchObject({ kind: 'failed', error })
    expect(begun().dispatch({ kind: 'stop-asked', goal: 'stopped' }).state().kind).toBe('stopped')
    expect(begun().dispatch({ kind: 'start-asked' }).checked(free).effects()).toEqual(['spawn'])
  })

  it('comes after crashes too, which then do not count', () => {
    const machine = drive().serving(1).exit(1).checked(open)
    expect(machine.state()).toMatchObject({ kind: 'undecided' })
    expect(machine.memory()).toMatchObject({ exits: [], attempt: 0 })
  })
})

describe('a data folder that goes while it serves', () => {
  it('ends the process without waiting for pushes, then says what is missing, and serves when it is back', () => {
    const machine = drive().serving(1).dispatch({ kind: 'data-lost', pid: 1 })
    expect(machine.last('signal')).toMatchObject({ signal: 'SIGTERM', registry: { pid: 1 } })
    machine.tick(policy.killAfterNowMs)
    expect(machine.last('signal')).toMatchObject({ signal: 'SIGKILL', registry: { pid: 1 } })
    machine.exit(1, { kind: 'signal', signal: 'SIGKILL' })
    expect(machine.journal()).toMatchObject([{ cause: 'app-started' }, { cause: 'data-lost' }])
    const error = { code: 'data-volume-missing' as const, path: '/v/zot', parent: '/v' }
    machine.checked({ kind: 'refused', error })
    expect(machine.state()).toMatchObject({ kind: 'failed', error })
    machine.tick(policy.failedRetryMs).checked(free)
    expect(machine.effects()).toEqual(['spawn'])
  })

  it('is nothing to a process that is not the one that served', () => {
    const machine = drive().serving(1)
    expect(machine.dispatch({ kind: 'data-lost', pid: 7 }).state().kind).toBe('serving')
    expect(drive().serving(1).exit(1, code(0)).dispatch({ kind: 'data-lost', pid: 1 }).effects()).toEqual([])
  })
})
