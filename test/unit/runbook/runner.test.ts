import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fail } from '../../../contract/result.ts'
import type { RunbookPart } from '../../../contract/runbook.ts'
import type { RunbookKind } from '../../../core/runbook/runbook-kind.ts'
import { createRunner, type RunbookRunner } from '../../../core/runbook/runner.ts'
import type { Runbook, Step, StepContext, StepResult } from '../../../core/runbook/step.ts'
import { systemClock } from '../../../lib/clock.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { eventually } from '../../fakes/eventually.ts'

let home: string
let clock: ReturnType<typeof systemClock>
const aside: string[] = []
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-runbooks-'))
  clock = systemClock()
  aside.length = 0
})
afterEach(() => rm(home, { recursive: true, force: true }))

const undone: string[] = []
function step(id: string, apply: Step<object>['apply'] = async () => ({ ok: true })): Step<object> {
  return {
    id,
    title: `Do ${id}`,
    why: 'because',
    check: async () => false,
    apply,
    undo: async () => {
      undone.push(id)
      return { ok: true }
    },
  }
}
const runbook = (...steps: Step<object>[]): Runbook<object> => ({
  name: 'test',
  title: 'A test',
  steps,
  memory: { a: 1 },
  changes: () => ['a thing'],
})
const create = (kind: RunbookKind = { deserialize: () => undefined, resumes: () => true }): RunbookRunner =>
  createRunner({
    home,
    clock,
    kinds: { test: kind },
    report: ({ file }) => aside.push(file),
    log: () => {},
    onChange: () => {},
  })
const files = () => readdir(join(home, 'runbooks'))
async function begin(runbooks: RunbookRunner, book: Runbook<object>): Promise<string> {
  const begun = await runbooks.start(book, 'cli')
  if (!begun.ok) throw new Error(begun.error.code)
  return begun.value.run
}
const over = (runbooks: RunbookRunner) => eventually(() => runbooks.current() === undefined)

/** A step that works until it is let go. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { step: step('held', async () => promise.then(() => ({ ok: true as const }))), go: resolve }
}

describe('one run', () => {
  it('tells its steps, is kept in the history, and its journal is for this user alone', async () => {
    const runbooks = create()
    const run = await begin(runbooks, runbook(step('one'), step('two')))
    await over(runbooks)
    const read = await runbooks.lines(run, 0, 0)
    expect(read).toMatchObject({ ok: true, value: { end: { runbook: 'test', result: 'done' } } })
    expect(read.ok && read.value.lines.map(line => `${line.step} ${line.phase}`)).toEqual([
      'one check',
      'one apply',
      'one done',
      'two check',
      'two apply',
      'two done',
    ])
    expect(await runbooks.history()).toMatchObject([
      { run, runbook: 'test', title: 'A test', by: 'cli', result: 'done', changed: ['a thing'] },
    ])
    expect((await stat(join(home, 'runbooks', `${run}.jsonl`))).mode & 0o777).toBe(0o600)
  })

  it('refuses a second one while it lasts, by name', async () => {
    const runbooks = create()
    const { step: waiting, go } = held()
    await begin(runbooks, runbook(waiting))
    expect(await runbooks.start(runbook(step('x')), 'cli')).toEqual({
      ok: false,
      error: { code: 'busy', with: 'A test' },
    })
    go()
    await over(runbooks)
    expect((await runbooks.start(runbook(step('x')), 'cli')).ok).toBe(true)
    await over(runbooks)
  })

  it.each([
    [true, 'done'],
    [false, 'cancelled'],
  ])('asked and answered %s is %s', async (agreed, result) => {
    const runbooks = create()
    const question = { id: 'sure', title: 'Sure?', body: '', confirm: 'Yes' }
    const asks = step('asks', async ({ ask }: StepContext<object>) =>
      (await ask(question)) ? { ok: true } : { ok: false, error: { code: 'declined', words: 'No' } },
    )
    const run = await begin(runbooks, runbook({ ...asks, cancellable: true }))
    await eventually(() => runbooks.current()?.question)
    expect(runbooks.answer('another', true, { by: 'the window' })).toMatchObject({
      error: { code: 'nothing-under-way' },
    })
    expect(runbooks.answer('sure', agreed, { by: 'the window' }).ok).toBe(true)
    // The second one hears who was first, and a question of another run is none of this one.
    const late = { by: 'the command line' }
    expect(runbooks.answer('sure', true, late)).toEqual(fail({ code: 'already-answered', by: 'the window' }))
    expect(runbooks.answer('sure', true, { ...late, run: 'another' })).toEqual(
      fail({ code: 'nothing-under-way' }),
    )
    await over(runbooks)
    expect(await runbooks.lines(run, 0, 0)).toMatchObject({ value: { end: { result } } })
  })

  it('that is cancelled is taken back', async () => {
    undone.length = 0
    const runbooks = create()
    const { step: waiting, go } = held()
    await begin(runbooks, runbook(step('one'), waiting, step('three')))
    await eventually(() => runbooks.current()?.step?.id === 'held')
    expect(runbooks.cancel().ok).toBe(true)
    go()
    await over(runbooks)
    expect(undone).toEqual(['held', 'one'])
    expect(await runbooks.history()).toMatchObject([{ result: 'cancelled', changed: [] }])
    expect(runbooks.cancel()).toMatchObject({ error: { code: 'nothing-to-cancel' } })
  })
})

describe('a run in full', () => {
  const parts: RunbookPart[] = [
    { id: 'ready', title: 'Ready', state: 'working' },
    { id: 'tags', title: 'Tags', state: 'pending' },
    { id: 'ready', title: 'Ready', state: 'passed', words: '0.3 s' },
  ]
  const gate = (go: Promise<void>, end: StepResult): Step<object> =>
    step('gate', async ({ progress }) => {
      for (const part of parts) progress({ label: part.title, part })
      await go
      return end
    })

  it('shows each step and the parts of the one under way, in their latest state', async () => {
    const runbooks = create()
    const { promise, resolve: go } = Promise.withResolvers<void>()
    const run = await begin(
      runbooks,
      runbook(
        step('one', async () => ({ ok: true, words: '3 tags' })),
        gate(promise, { ok: true }),
        {
          ...step('keep'),
          pointOfNoReturn: true,
        },
      ),
    )
    await eventually(() => runbooks.current()?.parts.length === 2)
    const current = await eventually(() => {
      const now = runbooks.current()
      return now?.steps[1]?.words === 'Ready' ? now : undefined
    })
    expect(current.steps).toEqual([
      {
        id: 'one',
        title: 'Do one',
        why: 'because',
        state: 'done',
        tookMs: expect.any(Number),
        words: '3 tags',
      },
      { id: 'gate', title: 'Do gate', why: 'because', state: 'working', words: 'Ready' },
      { id: 'keep', title: 'Do keep', why: 'because', state: 'pending', pointOfNoReturn: true },
    ])
    expect(current.parts).toEqual([parts[2], parts[1]])
    // The command line gets the part with its line, and the step's own count without it.
    expect(current.step).toEqual({ id: 'gate', title: 'Do gate', phase: 'apply', label: 'Ready' })
    const read = await runbooks.lines(run, 0, 0)
    expect(read.ok && read.value.lines).toContainEqual({
      runbook: 'test',
      step: 'gate',
      phase: 'apply',
      label: 'Ready',
      part: parts[2],
    })
    go()
    await over(runbooks)
    const inMemory = await runbooks.details(run)
    expect(inMemory).toMatchObject({ result: 'done', partsOf: 'gate', parts: [parts[2], parts[1]] })
    expect(inMemory?.steps.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
    // A later life of the app reads the same from the journal.
    expect(await create().details(run)).toEqual(inMemory)
    expect(await create().details(undefined)).toEqual(inMemory)
    expect(await create().details('../../etc/passwd')).toBeUndefined()
  })

  it('remembers what nobody could prove, in the end, the steps and the history', async () => {
    const runbooks = create()
    const unproven = ['Pulls: 0 of 5 could be tried']
    const proving = step('gate', async () => ({ ok: true, words: '1 of 2', unproven }))
    const run = await begin(runbooks, runbook(step('one'), proving))
    await over(runbooks)
    const read = await runbooks.lines(run, 0, 0)
    expect(read.ok && read.value.end).toEqual({ runbook: 'test', result: 'done', unproven })
    for (const details of [await runbooks.details(run), await create().details(run)]) {
      expect(details).toMatchObject({ result: 'done', unproven })
      expect(details?.steps.map(one => one.unproven)).toEqual([undefined, true])
    }
    expect(await create().history()).toMatchObject([{ run, result: 'done', unproven }])
  })

  it('says what failed and what was taken back', async () => {
    const runbooks = create()
    const error = { code: 'gate-failed', words: 'A tag is gone.', detail: 'team/app:1' }
    const run = await begin(
      runbooks,
      runbook(step('one'), gate(Promise.resolve(), { ok: false, error }), step('keep')),
    )
    await over(runbooks)
    for (const details of [await runbooks.details(run), await create().details(run)]) {
      expect(details).toMatchObject({ result: 'rolled-back', error, partsOf: 'gate', undoing: true })
      expect(details?.steps.map(({ state, words }) => [state, words])).toEqual([
        ['undone', undefined],
        ['failed', 'A tag is gone.'],
        ['pending', undefined],
      ])
    }
  })

  it('tells how much of a step is done, and the lines that it wrote', async () => {
    const runbooks = create()
    const { promise, resolve: go } = Promise.withResolvers<void>()
    const builds = step('build', async ({ progress }) => {
      for (let n = 1; n <= 14; n += 1) progress({ label: `line ${n}` })
      progress({ label: 'Downloaded', done: 42e6, total: 119e6, unit: 'bytes' })
      await promise
      return { ok: true }
    })
    await begin(runbooks, runbook(builds, step('after')))
    const now = await eventually(() => {
      const current = runbooks.current()
      return current?.steps[0]?.count ? current : undefined
    })
    expect(now.steps[0]).toMatchObject({
      words: 'Downloaded (42.0 MB of 119 MB)',
      count: { done: 42e6, total: 119e6, unit: 'bytes' },
    })
    expect(now.lines).toEqual(Array.from({ length: 12 }, (_, at) => `line ${at + 3}`))
    go()
    await over(runbooks)
    const ended = await runbooks.details(undefined)
    expect(ended?.steps[0]).not.toHaveProperty('count')
    expect(ended).not.toHaveProperty('lines')
  })

  it('keeps the newest of what is written on the way, and all that began and ended', async () => {
    const writes = step('writes', async ({ progress }) => {
      for (let n = 1; n <= 10_000; n += 1) progress({ label: `line ${n}` })
      return { ok: true }
    })
    const runbooks = create()
    const run = await begin(runbooks, runbook(step('one'), writes))
    await over(runbooks)
    const read = await runbooks.lines(run, 0, 0)
    if (!read.ok) throw new Error(read.error.code)
    const { lines, next } = read.value
    expect(next).toBe(10_006)
    expect(lines.length).toBeLessThanOrEqual(2_000)
    expect(
      lines.filter(({ label }) => label === undefined).map(line => `${line.step} ${line.phase}`),
    ).toEqual(['one check', 'one apply', 'one done', 'writes check', 'writes apply', 'writes done'])
    expect(lines.at(-2)?.label).toBe('line 10000')
    // Who follows it goes on from the number it was given.
    expect(await runbooks.lines(run, next - 2, 0)).toMatchObject({
      value: { lines: [{ label: 'line 10000' }, { phase: 'done' }], next },
    })
  })

  it('shows what is written on the way a few times a second, and the last of it', async () => {
    const slow = fakeClock()
    const { promise, resolve: go } = Promise.withResolvers<void>()
    const shown: (string | undefined)[] = []
    const writing = Promise.withResolvers<(label: string) => void>()
    const writes = step('writes', async ({ progress }) => {
      writing.resolve(label => progress({ label }))
      await promise
      return { ok: true }
    })
    const runbooks = createRunner({
      home,
      clock: slow,
      kinds: {},
      report: () => {},
      log: () => {},
      onChange: () => shown.push(runbooks.current()?.step?.label),
    })
    await begin(runbooks, runbook(writes))
    const write = await writing.promise
    write('ready')
    await slow.advance(100)
    shown.length = 0
    for (let n = 1; n <= 500; n += 1) write(`line ${n}`)
    expect(shown).toEqual(['line 1'])
    await slow.advance(100)
    expect(shown).toEqual(['line 1', 'line 500'])
    await slow.advance(1_000)
    expect(shown).toHaveLength(2)
    go()
    await over(runbooks)
    expect(slow.pending()).toEqual([])
  })

  it('asks nothing any more once it was answered', async () => {
    const runbooks = create()
    const { step: waiting, go } = held()
    const asks = step('asks', async ({ ask }) => {
      await ask({ id: 'sure', title: 'Sure?', body: '', confirm: 'Yes' })
      return { ok: true }
    })
    await begin(runbooks, runbook(asks, waiting))
    await eventually(() => runbooks.current()?.question)
    runbooks.answer('sure', true, { by: 'the window' })
    expect(runbooks.current()?.question).toBeUndefined()
    go()
    await over(runbooks)
  })
})

describe('the next start', () => {
  async function cutOff(): Promise<void> {
    const first = create()
    await begin(first, runbook(step('one'), held().step))
    await eventually(() => first.current()?.step?.id === 'held' && first.current()?.step?.phase === 'apply')
    // Its journal is not written any more, as after a kill.
    first.close()
  }

  it.each([
    [true, 'done', []],
    [false, 'cancelled', ['one']],
  ])('goes on: %s, so it is %s', async (resumes, result, takenBack) => {
    await cutOff()
    undone.length = 0
    const runbooks = create({
      deserialize: () => runbook(step('one'), step('held')),
      resumes: begun => begun('one') && resumes,
    })
    const interrupted = await runbooks.interrupted()
    expect(interrupted).toMatchObject({ runbook: 'test', resumes, memory: { a: 1 } })
    expect(runbooks.current()?.title).toBe('A test')
    expect(await interrupted?.resume()).toEqual({ result })
    expect(undone.filter(id => id === 'one')).toEqual(takenBack)
    expect(await create().interrupted()).toBeUndefined()
  })

  it('sets a journal aside that nobody understands, and does nothing', async () => {
    await mkdir(join(home, 'runbooks'))
    await writeFile(join(home, 'runbooks', '2026-a.jsonl'), '{"kind":"begun"}\nnonsense\n{}\n')
    await cutOff()
    expect(await create().interrupted()).toBeUndefined()
    expect(aside).toHaveLength(2)
    expect((await files()).every(name => name.includes('.corrupt-'))).toBe(true)
  })

  it('forgets one that was killed before its first line was whole', async () => {
    await mkdir(join(home, 'runbooks'))
    await writeFile(join(home, 'runbooks', '2026-a.jsonl'), '{"kind":"beg')
    expect(await create().interrupted()).toBeUndefined()
    expect(await files()).toEqual([])
  })

  it('keeps the last 50', async () => {
    const runbooks = create()
    for (let n = 0; n < 52; n += 1) {
      await begin(runbooks, runbook())
      await over(runbooks)
    }
    await eventually(async () => (await files()).length === 50)
    expect(await runbooks.history()).toHaveLength(50)
  })
})
