import { describe, expect, it } from 'vitest'
import {
  cancelLabel,
  cancelText,
  endText,
  isPastReturn,
  partResultText,
  resultLines,
  shortResultText,
  stepCount,
  stepStateText,
} from '../../../contract/messages/runbook-message.ts'
import type { RunbookStep } from '../../../contract/runbook.ts'

const step = (id: string, state: RunbookStep['state'], pointOfNoReturn = false): RunbookStep => ({
  id,
  title: id,
  why: '',
  state,
  ...(pointOfNoReturn ? { pointOfNoReturn: true as const } : {}),
})
const run = (runbook: string, steps: RunbookStep[], undoing = false) => ({ runbook, steps, undoing })
const looking = [step('preflight', 'done'), step('download', 'working'), step('stop', 'pending')]
const changing = [step('preflight', 'done'), step('stop', 'done'), step('commit', 'pending', true)]
const crossed = [step('stop', 'done'), step('commit', 'working', true)]

describe('what a cancel would do', () => {
  it.each([
    ['upgrade', looking, false, 'Cancel', 'Nothing has changed yet.'],
    ['upgrade', changing, false, 'Cancel and put back', /the version before is put back/],
    ['engine-use', changing, false, 'Cancel and put back', /the engine before is put back/],
    ['rotate', changing, false, 'Cancel and put back', /the new key is revoked/],
    ['another', changing, false, 'Cancel and put back', /what was done is taken back/],
    ['upgrade', crossed, false, undefined, /no way back any more/],
    ['upgrade', changing, true, undefined, /is being taken back/],
  ])('%s', (name, steps, undoing, label, words) => {
    expect(cancelLabel(run(name, steps, undoing))).toBe(label)
    expect(cancelText(run(name, steps, undoing))).toMatch(words)
  })

  it('knows the point of no return from the moment that its step begins', () => {
    expect([isPastReturn(looking), isPastReturn(changing), isPastReturn(crossed)]).toEqual([
      false,
      false,
      true,
    ])
  })
})

describe('how a run ended', () => {
  const undone = [step('stop', 'undone'), step('gate', 'failed')]
  it.each([
    ['done', changing, 'Done', /proved/],
    ['rolled-back', undone, 'It went back by itself', /as it was before/],
    ['cancelled', undone, 'Cancelled', /taken back/],
    ['cancelled', looking, 'Cancelled', /Nothing had changed/],
    ['failed', [step('preflight', 'failed')], 'It did not begin', /Nothing was changed/],
    ['failed', undone, 'It failed, also on the way back', /Not everything/],
    [
      'failed',
      [step('stop', 'done'), step('commit', 'failed', true)],
      'It failed, and stays as it is',
      /no return/,
    ],
  ] as const)('%s', (result, steps, title, reason) => {
    const words = endText({ result, steps: [...steps], changed: [] })
    expect(words.title).toBe(title)
    expect(words.reason).toMatch(reason)
  })
})

it('does not say that all is as it was where something could not be taken back', () => {
  const remains = ['A key was made meanwhile and is gone.']
  expect(endText({ result: 'rolled-back', steps: [], changed: remains }).reason).toMatch(/Not everything/)
  expect(resultLines({ result: 'rolled-back', remains })).toEqual([
    'It did not work out; everything is as it was before, but for this:',
    '  A key was made meanwhile and is gone.',
  ])
})

it('counts the step at hand', () => {
  expect(stepCount({ steps: looking, step: { id: 'download', title: '', phase: 'apply' } })).toBe(
    'step 2 of 3',
  )
  expect(stepCount({ steps: looking })).toBeUndefined()
})

describe('what nobody could prove', () => {
  const end = {
    result: 'done' as const,
    unproven: ['Pulls give the same bytes: 0 of 5 images could be pulled'],
  }

  it('is in every text of the end, which is never that of a run that proved itself', () => {
    expect(resultLines(end)).toEqual(['Done, but not all of it is proven:', `  ${end.unproven[0]}`])
    expect(shortResultText(end)).toBe('done, not all proven')
    expect(endText({ ...end, steps: changing, changed: [] })).toEqual({
      title: 'Done, but not all of it is proven',
      reason: 'Every step is done. See what nobody could prove.',
    })
    expect(resultLines({ result: 'done' })).toEqual(['Done'])
    expect(shortResultText({ result: 'failed', unproven: end.unproven })).toBe('failed')
  })

  it('is said of a step and of a part, whatever their words are', () => {
    expect(stepStateText({ state: 'done', unproven: true })).toBe('done, not all proven')
    expect(partResultText({ state: 'unproven', words: '0 of 5' })).toBe('unproven: 0 of 5')
    expect(partResultText({ state: 'skipped', words: 'none is named' })).toBe('left out: none is named')
    expect(partResultText({ state: 'passed', words: '5 images' })).toBe('5 images')
    expect(partResultText({ state: 'passed' })).toBe('passed')
  })
})
