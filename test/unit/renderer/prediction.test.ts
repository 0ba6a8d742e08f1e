import { describe, expect, it } from 'vitest'
import type { ProcessState } from '../../../contract/registry-state.ts'
import { isOvertaken, predict } from '../../../renderer/bridge/prediction.ts'

const serving: ProcessState = { kind: 'serving', since: 1, pid: 7, startedAt: 1, adopted: false }
const stopped: ProcessState = { kind: 'stopped', since: 1, why: 'asked' }

describe('what is predicted right after a click', () => {
  it('a restart or stop finishes pushes first, and offers no cancelling yet', () => {
    expect(predict(serving, 'restart', 50)).toMatchObject({
      kind: 'draining',
      pid: 7,
      cancellable: false,
    })
    expect(predict(serving, 'restart', 50)).toHaveProperty('then', 'restart')
    expect(predict(serving, 'stop', 50)).toHaveProperty('then', 'stopped')
  })

  it('a start is starting', () => {
    expect(predict(stopped, 'start', 50)).toMatchObject({ kind: 'starting', since: 50 })
  })

  it('says nothing where it cannot know', () => {
    expect(predict(serving, 'cancel', 50)).toBeUndefined()
    expect(predict(stopped, 'restart', 50)).toBeUndefined()
    expect(predict(stopped, 'restart-now', 50)).toBeUndefined()
  })

  it('is overtaken by any news of the process, and only by that', () => {
    expect(isOvertaken(serving, { ...serving })).toBe(false)
    expect(isOvertaken(serving, { ...serving, since: 2 })).toBe(true)
    expect(isOvertaken(serving, stopped)).toBe(true)
  })
})
