import { describe, expect, it } from 'vitest'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import { code, drive, free, processOf } from './drive.ts'

describe('starting', () => {
  it('looks, spawns, waits for an answer and serves', () => {
    const it = drive()
    it.tell({ kind: 'app-started' })
    expect(it.state()).toEqual({
      kind: 'starting',
      since: 0,
      cause: 'app-started',
      deadline: policy.startTimeoutMs,
    })
    expect(it.effects()).toEqual(['check'])
    expect(it.found(free).effects()).toEqual(['spawn'])
    expect(it.spawned(10).state()).toMatchObject({ kind: 'starting', pid: 10 })
    it.later(200).tell({ kind: 'ready', pid: 10 })
    expect(it.state()).toEqual({ kind: 'serving', since: 200, pid: 10, startedAt: 0, adopted: false })
    expect(it.journal()).toMatchObject([{ cause: 'app-started', pid: 10 }])
  })

  it('adopts a process of ours, and says so', () => {
    const it = drive().tell({ kind: 'app-started' })
    it.found({ kind: 'ours', registry: processOf(7, -5000, true), ownsPort: true })
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'adopted', pid: 7 })
    expect(it.effects()).toEqual([])
    it.tell({ kind: 'ready', pid: 7 })
    expect(it.state()).toMatchObject({ kind: 'serving', pid: 7, adopted: true, startedAt: -5000 })
    expect(it.journal()).toMatchObject([{ cause: 'adopted', pid: 7 }])
  })

  it('kills an adopted process that owns the port and never answers', () => {
    const it = drive().tell({ kind: 'app-started' })
    it.found({ kind: 'ours', registry: processOf(7, 0, true), ownsPort: true })
    it.tick(policy.adoptTimeoutMs)
    expect(it.last('signal')).toMatchObject({ signal: 'SIGKILL', registry: { pid: 7 } })
    it.exit(7, { kind: 'unknown-adopted' })
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'hung' })
  })

  it.each(['data-read-only', 'data-unreadable'] as const)(
    'takes the answer of a slow look at a folder that was %s, and does not overtake it',
    errorCode => {
      const it = drive().tell({ kind: 'app-started' })
      const error =
        errorCode === 'data-read-only'
          ? { code: errorCode, path: '/v' }
          : { code: errorCode, path: '/v', reason: '' }
      it.found({ kind: 'refused', error })
      expect(it.tick(policy.failedRetryMs).effects()).toEqual(['check'])
      expect(it.tick(policy.checkTimeoutMs - 1).effects()).toEqual([])
      expect(it.found(free).effects()).toEqual(['spawn'])
    },
  )

  it('leaves somebody else on the port alone, looks again every 5 s and starts when it is free', () => {
    const it = drive().tell({ kind: 'app-started' })
    it.found({ kind: 'taken', port: 5050, owner: { pid: 99, command: 'other', user: 'eva', startedAt: 3 } })
    expect(it.state()).toEqual({
      kind: 'foreign',
      since: 0,
      port: 5050,
      pid: 99,
      command: 'other',
      user: 'eva',
      startedAt: 3,
    })
    expect(it.tick(4999).effects()).toEqual([])
    expect(it.tick(1).effects()).toEqual(['check'])
    it.found({ kind: 'taken', port: 5050, owner: { pid: 99, command: 'other' } })
    expect(it.state()).toMatchObject({ kind: 'foreign', since: 0 })
    it.tick(5000).found(free)
    expect(it.effects()).toEqual(['spawn'])
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'retry' })
  })

  it('tries at once when asked while somebody else owns the port', () => {
    const it = drive().tell({ kind: 'app-started' }).found({ kind: 'taken', port: 5050, owner: {} })
    expect(it.tell({ kind: 'start-asked' }).effects()).toEqual(['check'])
    expect(it.state().kind).toBe('starting')
  })

  it('tells what is wrong before a start, and looks quietly whether the volume is back', () => {
    const error = { code: 'data-volume-missing' as const, path: '/v/zot', parent: '/v' }
    const it = drive().tell({ kind: 'app-started' }).found({ kind: 'refused', error })
    expect(it.state()).toEqual({ kind: 'failed', since: 0, error, retryAt: 5000 })
    expect(it.tick(5000).effects()).toEqual(['check'])
    it.found({ kind: 'refused', error })
    expect(it.state()).toEqual({ kind: 'failed', since: 0, error, retryAt: 10_000 })
    it.tick(5000).found(free)
    expect(it.effects()).toEqual(['spawn'])
  })

  it('does not look again by itself at a config that only a person can correct', () => {
    const it = drive().tell({ kind: 'app-started' })
    it.found({ kind: 'refused', error: { code: 'config-invalid', file: 'c', faults: [] } })
    expect(it.state()).not.toHaveProperty('retryAt')
    expect(it.tell({ kind: 'woke' }).effects()).toEqual(['check'])
    it.tell({ kind: 'start-asked' }).up(3)
    expect(it.state().kind).toBe('serving')
  })

  it('says that the engine is missing', () => {
    const it = drive().tell({ kind: 'app-started' }).found(free)
    it.tell({ kind: 'spawn-failed', error: { code: 'engine-missing', path: '/x' }, reason: '', jitter: 0.5 })
    expect(it.state()).toMatchObject({ kind: 'failed', error: { code: 'engine-missing' } })
  })

  it('treats a spawn that the system refused as an end of a process', () => {
    const it = drive().tell({ kind: 'app-started' }).found(free)
    it.tell({ kind: 'spawn-failed', reason: 'EAGAIN', jitter: 0.5 })
    expect(it.state()).toMatchObject({ kind: 'starting', cause: 'start-failed' })
    expect(it.journal()).toMatchObject([
      { cause: 'start-failed', exit: { kind: 'not-spawned', reason: 'EAGAIN' } },
    ])
  })

  it('joins a second start, and ends a start that is no longer wanted', () => {
    const it = drive().tell({ kind: 'start-asked' }).found(free).spawned(10)
    expect(it.tell({ kind: 'start-asked' }).effects()).toEqual([])
    expect(it.tell({ kind: 'restart-asked', now: false }).effects()).toEqual([])
    it.tell({ kind: 'stop-asked', goal: 'stopped' })
    expect(it.last('signal')).toMatchObject({ signal: 'SIGTERM', registry: { pid: 10 } })
    it.exit(10, code(0))
    expect(it.state()).toMatchObject({ kind: 'stopped', why: 'asked' })
  })

  it('stops during the look without losing a process that the look finds', () => {
    const it = drive().tell({ kind: 'app-started' }).tell({ kind: 'stop-asked', goal: 'stopped' })
    it.found({ kind: 'ours', registry: processOf(7, 0, true), ownsPort: true })
    expect(it.last('signal')).toMatchObject({ signal: 'SIGTERM', registry: { pid: 7 } })
    const other = drive()
      .tell({ kind: 'app-started' })
      .tell({ kind: 'stop-asked', goal: 'stopped' })
      .found(free)
    expect(other.effects()).toEqual([])
    expect(other.state().kind).toBe('stopped')
  })

  it('gives a start 5 min as long as it lives, sleep not counted, then ends it with its last lines', () => {
    const it = drive().tell({ kind: 'start-asked' }).found(free).spawned(10)
    expect(it.tick(299_999).state().kind).toBe('starting')
    it.tell({ kind: 'woke' })
    expect(it.tick(299_999).state().kind).toBe('starting')
    it.tick(1)
    expect(it.state()).toMatchObject({ kind: 'stopping', pid: 10 })
    it.exit(10, code(0), ['waiting for the disk'])
    expect(it.state()).toMatchObject({
      kind: 'failed',
      error: { code: 'start-too-slow', limitMs: 300_000, lastLines: ['waiting for the disk'] },
    })
    expect(it.journal()).toMatchObject([{ cause: 'start-failed' }])
  })

  it('ignores answers to an earlier look', () => {
    const it = drive().tell({ kind: 'start-asked' })
    it.tell({ kind: 'checked', serial: 0, result: free })
    expect(it.effects()).toEqual([])
  })
})
