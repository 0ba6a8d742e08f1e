import { describe, expect, it } from 'vitest'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import type { CheckResult } from '../../../core/supervisor/state.ts'
import { otherFolder, zotStore } from '../../fakes/undecided.ts'
import { code, drive, free } from './drive.ts'

const open: CheckResult = { kind: 'undecided', undecided: zotStore(0) }
const moved: CheckResult = { kind: 'undecided', undecided: otherFolder(0) }
const begun = () => drive().tell({ kind: 'app-started' }).found(open)

describe('a choice that is open', () => {
  it('starts nothing, says what was found, and looks again by itself, on waking and when asked', () => {
    const it = begun()
    expect(it.state()).toEqual({ kind: 'undecided', since: 0, ...zotStore(0) })
    expect(it.effects()).toEqual([])
    expect(it.tick(policy.failedRetryMs - 1).effects()).toEqual([])
    expect(it.tick(1).effects()).toEqual(['check'])
    expect(it.state()).toMatchObject({ kind: 'undecided', since: 0 })
    it.found(open)
    expect(it.tell({ kind: 'woke' }).effects()).toEqual(['check'])
    it.found(free)
    expect(it.effects()).toEqual(['spawn'])
  })

  it('is told with what is found now: since when stays, another reason is another choice', () => {
    const it = begun().tick(policy.failedRetryMs)
    const fuller = zotStore(0)
    it.found({ kind: 'undecided', undecided: { ...fuller, found: { ...fuller.found, repositories: 59 } } })
    expect(it.state()).toMatchObject({ kind: 'undecided', since: 0, found: { repositories: 59 } })
    it.tick(policy.failedRetryMs).found(moved)
    expect(it.state()).toMatchObject({ kind: 'undecided', since: 10_000, why: 'other-folder' })
  })

  it('gives way to somebody on the port, to a failure, and to a stop', () => {
    const taken: CheckResult = { kind: 'taken', port: 5050, owner: { pid: 99, zot: { version: 'v2.1.13' } } }
    const it = begun().tick(policy.failedRetryMs).found(taken)
    expect(it.state()).toMatchObject({ kind: 'foreign', pid: 99, zot: { version: 'v2.1.13' } })
    // A zot that leaves the port leaves a choice.
    expect(it.tick(policy.foreignRetryMs).found(open).state()).toMatchObject({ kind: 'undecided' })
    const error = { code: 'data-read-only' as const, path: '/v' }
    const failed = begun().tick(policy.failedRetryMs).found({ kind: 'refused', error })
    expect(failed.state()).toMatchObject({ kind: 'failed', error })
    expect(begun().tell({ kind: 'stop-asked', goal: 'stopped' }).state().kind).toBe('stopped')
    expect(begun().tell({ kind: 'start-asked' }).found(free).effects()).toEqual(['spawn'])
  })

  it('comes after crashes too, which then do not count', () => {
    const it = drive().serving(1).exit(1).found(open)
    expect(it.state()).toMatchObject({ kind: 'undecided' })
    expect(it.memory()).toMatchObject({ exits: [], attempt: 0 })
  })
})

describe('a data folder that goes while it serves', () => {
  it('ends the process without waiting for pushes, then says what is missing, and serves when it is back', () => {
    const it = drive().serving(1).tell({ kind: 'data-lost', pid: 1 })
    expect(it.last('signal')).toMatchObject({ signal: 'SIGTERM', registry: { pid: 1 } })
    it.tick(policy.killAfterNowMs)
    expect(it.last('signal')).toMatchObject({ signal: 'SIGKILL', registry: { pid: 1 } })
    it.exit(1, { kind: 'signal', signal: 'SIGKILL' })
    expect(it.journal()).toMatchObject([{ cause: 'app-started' }, { cause: 'data-lost' }])
    const error = { code: 'data-volume-missing' as const, path: '/v/zot', parent: '/v' }
    it.found({ kind: 'refused', error })
    expect(it.state()).toMatchObject({ kind: 'failed', error })
    it.tick(policy.failedRetryMs).found(free)
    expect(it.effects()).toEqual(['spawn'])
  })

  it('is nothing to a process that is not the one that served', () => {
    const it = drive().serving(1)
    expect(it.tell({ kind: 'data-lost', pid: 7 }).state().kind).toBe('serving')
    expect(drive().serving(1).exit(1, code(0)).tell({ kind: 'data-lost', pid: 1 }).effects()).toEqual([])
  })
})
