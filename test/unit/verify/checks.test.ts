import { expect, it } from 'vitest'
import type { Progress } from '../../../core/runbook/step.ts'
import { type Check, runChecks } from '../../../core/verify/checks.ts'

const told: Progress[] = []
const context = (signal = new AbortController().signal) => ({
  progress: (progress: Progress) => void told.push(progress),
  signal,
})
const check = (id: string, run: Check['run'] = async () => ({ ok: true })): Check => ({ id, title: id, run })
const states = () =>
  told.splice(0).map(({ part }) => `${part?.id} ${part?.state} ${part?.words ?? ''}`.trim())

it('tells every check as a part, and stops at the first that fails', async () => {
  const error = { code: 'gate-failed', words: 'A tag is gone.' }
  const result = await runChecks(
    [
      check('one', async () => ({ ok: true, state: 'skipped', words: 'none named' })),
      check('two', async () => ({ ok: false, error })),
      check('three'),
    ],
    context(),
  )
  expect(result).toEqual({ ok: false, error })
  expect(states()).toEqual([
    'one pending',
    'two pending',
    'three pending',
    'one working',
    'one skipped none named',
    'two working',
    'two failed A tag is gone.',
  ])
})

it('says in the result what nobody could prove', async () => {
  const unproven = { ok: true, state: 'unproven' } as const
  const result = await runChecks(
    [
      check('one', async () => ({ ...unproven, words: '0 of 2 tags' })),
      check('two'),
      check('three', async () => unproven),
    ],
    context(),
  )
  expect(result).toEqual({
    ok: true,
    unproven: ['one: 0 of 2 tags', 'three'],
    words: '2 checks not proven',
  })
  expect(states().at(-1)).toBe('three unproven')
})

it('ends between two checks when it is cancelled', async () => {
  const cancel = new AbortController()
  const stop = async () => {
    cancel.abort()
    return { ok: true as const }
  }
  const result = await runChecks([check('one', stop), check('two')], context(cancel.signal))
  expect(result).toMatchObject({ ok: false, error: { code: 'cancelled' } })
  expect(states().at(-1)).toBe('one passed')
})
