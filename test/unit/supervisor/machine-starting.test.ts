import { describe, expect, it } from 'vitest'
import type { Failure } from '../../../contract/failure.ts'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import { code, drive, free, processOf } from './drive.ts'

describe('starting', () => {
  it('checks, spawns, waits for an answer and serves', () => {
    const machine = drive()
    machine.dispatch({ kind: 'app-started' })
    expect(machine.state()).toEqual({
      kind: 'starting',
      since: 0,
      cause: 'app-started',
      deadline: policy.startTimeoutMs,
    })
    expect(machine.effects()).toEqual(['check'])
    expect(machine.checked(free).effects()).toEqual(['spawn'])
    expect(machine.spawned(10).state()).toMatchObject({ kind: 'starting', pid: 10 })
    machine.later(200).dispatch({ kind: 'ready', pid: 10 })
    expect(machine.state()).toEqual({ kind: 'serving', since: 200, pid: 10, startedAt: 0, adopted: false })
    expect(machine.journal()).toMatchObject([{ cause: 'app-started', pid: 10 }])
  })

  it('adopts a process of ours, and says so', () => {
    const machine = drive().dispatch({ kind: 'app-started' })
    machine.checked({ kind: 'ours', registry: processOf(7, -5000, true), ownsPort: true })
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'adopted', pid: 7 })
    expect(machine.effects()).toEqual([])
    machine.dispatch({ kind: 'ready', pid: 7 })
    expect(machine.state()).toMatchObject({ kind: 'serving', pid: 7, adopted: true, startedAt: -5000 })
    expect(machine.journal()).toMatchObject([{ cause: 'adopted', pid: 7 }])
  })

  it('kills an adopted process that owns the port and never answers', () => {
    const machine = drive().dispatch({ kind: 'app-started' })
    machine.checked({ kind: 'ours', registry: processOf(7, 0, true), ownsPort: true })
    machine.tick(policy.adoptTimeoutMs)
    expect(machine.last('signal')).toMatchObject({ signal: 'SIGKILL', registry: { pid: 7 } })
    machine.exit(7, { kind: 'unknown-adopted' })
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'hung' })
  })

  it.each<Failure>([
    { code: 'data-read-only', path: '/v' },
    { code: 'data-unreadable', path: '/v', reason: '' },
    { code: 'named-file-unusable', keyPath: 'http.tls.key', path: '/v', reason: '' },
  ])(
    'looks again by itself after $code, takes the answer of a slow look, and does not overtake it',
    error => {
      const machine = drive().dispatch({ kind: 'app-started' })
      machine.checked({ kind: 'refused', error })
      expect(machine.tick(policy.failedRetryMs).effects()).toEqual(['check'])
      expect(machine.tick(policy.checkTimeoutMs - 1).effects()).toEqual([])
      expect(machine.checked(free).effects()).toEqual(['spawn'])
    },
  )

  it('leaves somebody else on the port alone, checks again every 5 s and starts when it is free', () => {
    const machine = drive().dispatch({ kind: 'app-started' })
    machine.checked({
      kind: 'taken',
      port: 5050,
      owner: { pid: 99, command: 'other', user: 'eva', startedAt: 3 },
    })
    expect(machine.state()).toEqual({
      kind: 'foreign',
      since: 0,
      port: 5050,
      pid: 99,
      command: 'other',
      user: 'eva',
      startedAt: 3,
    })
    expect(machine.tick(4999).effects()).toEqual([])
    expect(machine.tick(1).effects()).toEqual(['check'])
    machine.checked({ kind: 'taken', port: 5050, owner: { pid: 99, command: 'other' } })
    expect(machine.state()).toMatchObject({ kind: 'foreign', since: 0 })
    machine.tick(5000).checked(free)
    expect(machine.effects()).toEqual(['spawn'])
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'retry' })
  })

  it('tries at once when asked while somebody else owns the port', () => {
    const machine = drive()
      .dispatch({ kind: 'app-started' })
      .checked({ kind: 'taken', port: 5050, owner: {} })
    expect(machine.dispatch({ kind: 'start-asked' }).effects()).toEqual(['check'])
    expect(machine.state().kind).toBe('starting')
  })

  it('reports what is wrong before a start, and checks quietly whether the volume is back', () => {
    const error = { code: 'data-volume-missing' as const, path: '/v/zot', parent: '/v' }
    const machine = drive().dispatch({ kind: 'app-started' }).checked({ kind: 'refused', error })
    expect(machine.state()).toEqual({ kind: 'failed', since: 0, error, retryAt: 5000 })
    expect(machine.tick(5000).effects()).toEqual(['check'])
    machine.checked({ kind: 'refused', error })
    expect(machine.state()).toEqual({ kind: 'failed', since: 0, error, retryAt: 10_000 })
    machine.tick(5000).checked(free)
    expect(machine.effects()).toEqual(['spawn'])
  })

  it('does not check again by itself a data folder that is none', () => {
    const machine = drive().dispatch({ kind: 'app-started' })
    machine.checked({ kind: 'refused', error: { code: 'data-not-a-folder', path: '/d' } })
    expect(machine.state()).not.toHaveProperty('retryAt')
    expect(machine.dispatch({ kind: 'woke' }).effects()).toEqual(['check'])
    machine.dispatch({ kind: 'start-asked' }).up(3)
    expect(machine.state().kind).toBe('serving')
  })

  it('starts once a config that was faulty is corrected', () => {
    const error = { code: 'config-invalid' as const, file: 'c', faults: [] }
    const machine = drive().dispatch({ kind: 'app-started' }).checked({ kind: 'refused', error })
    expect(machine.tick(5000).effects()).toEqual(['check'])
    expect(machine.checked(free).effects()).toEqual(['spawn'])
  })

  it('says that the engine is missing', () => {
    const machine = drive().dispatch({ kind: 'app-started' }).checked(free)
    machine.dispatch({
      kind: 'spawn-failed',
      error: { code: 'engine-missing', path: '/x' },
      reason: '',
      jitter: 0.5,
    })
    expect(machine.state()).toMatchObject({ kind: 'failed', error: { code: 'engine-missing' } })
  })

  it('treats a spawn that the system refused as an end of a process', () => {
    const machine = drive().dispatch({ kind: 'app-started' }).checked(free)
    machine.dispatch({ kind: 'spawn-failed', reason: 'EAGAIN', jitter: 0.5 })
    expect(machine.state()).toMatchObject({ kind: 'starting', cause: 'start-failed' })
    expect(machine.journal()).toMatchObject([
      { cause: 'start-failed', exit: { kind: 'not-spawned', reason: 'EAGAIN' } },
    ])
  })

  it('joins a second start, and ends a start that is no longer wanted', () => {
    const machine = drive().dispatch({ kind: 'start-asked' }).checked(free).spawned(10)
    expect(machine.dispatch({ kind: 'start-asked' }).effects()).toEqual([])
    expect(machine.dispatch({ kind: 'restart-asked', now: false }).effects()).toEqual([])
    machine.dispatch({ kind: 'stop-asked', goal: 'stopped' })
    expect(machine.last('signal')).toMatchObject({ signal: 'SIGTERM', registry: { pid: 10 } })
    machine.exit(10, code(0))
    expect(machine.state()).toMatchObject({ kind: 'stopped', why: 'asked' })
  })

  it('stops during the check without losing a process that the check finds', () => {
    const machine = drive()
      .dispatch({ kind: 'app-started' })
      .dispatch({ kind: 'stop-asked', goal: 'stopped' })
    machine.checked({ kind: 'ours', registry: processOf(7, 0, true), ownsPort: true })
    expect(machine.last('signal')).toMatchObject({ signal: 'SIGTERM', registry: { pid: 7 } })
    const other = drive()
      .dispatch({ kind: 'app-started' })
      .dispatch({ kind: 'stop-asked', goal: 'stopped' })
      .checked(free)
    expect(other.effects()).toEqual([])
    expect(other.state().kind).toBe('stopped')
  })

  it('gives a start 5 min as long as it lives, sleep not counted, then ends it with its last lines', () => {
    const machine = drive().dispatch({ kind: 'start-asked' }).checked(free).spawned(10)
    expect(machine.tick(299_999).state().kind).toBe('starting')
    machine.dispatch({ kind: 'woke' })
    expect(machine.tick(299_999).state().kind).toBe('starting')
    machine.tick(1)
    expect(machine.state()).toMatchObject({ kind: 'stopping', pid: 10 })
    machine.exit(10, code(0), ['waiting for the disk'])
    expect(machine.state()).toMatchObject({
      kind: 'failed',
      error: { code: 'start-too-slow', limitMs: 300_000, lastLines: ['waiting for the disk'] },
    })
    expect(machine.journal()).toMatchObject([{ cause: 'start-failed' }])
  })

  it('ignores results of an earlier check', () => {
    const machine = drive().dispatch({ kind: 'start-asked' })
    machine.dispatch({ kind: 'checked', serial: 0, result: free })
    expect(machine.effects()).toEqual([])
  })
})
