import { resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import type { Failure } from '../../preload/contract/failure.ts'
import type { RunbookLine, RunbookPlan, RunbookQuestion } from '../../preload/contract/runbook.ts'
import { exitCode, exitCodeOf } from './exit-code.ts'
import { failureText } from './output.ts'
import { table } from './table.ts'
import type { Verb, VerbContext } from './verb.ts'

export interface UseOptions {
  engine: 'zotbar-registry' | 'zot'
  path: string | undefined
  yes: boolean
  dryRun: boolean
}

/** Every engine there is. With --json one object: {engines: [...]}. */
export const list: Verb<object> = async ({ out, client }) => {
  const asked = await client.zotbar.engine.list({})
  if (!asked.ok) return out.failure(asked.error)
  const { engines } = asked.value
  out.object({ engines })
  out.line(
    table(
      ['', 'ENGINE', 'VERSION', 'PATH', ''],
      engines.map(({ id, version, path, current, reason }) => [
        current ? '*' : '',
        id,
        version ?? 'unknown',
        path,
        reason === undefined ? '' : `not usable: ${reason}`,
      ]),
    ),
  )
  return exitCode.done
}

/** Switches and tells each step; exits 0 when it is done, else 1, whatever is serving then. */
export const use: Verb<UseOptions> = async (context, { engine, path, yes, dryRun }) => {
  const { client } = context
  const begun = await client.zotbar.engine.use({
    engine,
    yes,
    dryRun,
    ...(path === undefined ? {} : { path: resolve(path) }),
  })
  if (!begun.ok) return notBegun(context, begun.error)
  if ('plan' in begun.value) return tellPlan(context, begun.value.plan)
  return followRun(context, begun.value.run)
}

/** A run that was refused ends as one that failed: its error is in the last object. */
function notBegun({ out }: VerbContext, error: Failure) {
  if (error.code === 'app-not-running' || error.code === 'app-not-answering') return out.failure(error)
  out.object({ runbook: 'engine-use', result: 'failed', error })
  out.note(failureText(error))
  return exitCodeOf(error)
}

function tellPlan({ out }: VerbContext, plan: RunbookPlan) {
  out.object(plan)
  for (const { title, why, holds } of plan.steps)
    out.line(`${holds ? 'already' : '       '}  ${title}. ${why}`)
  for (const { severity, advice, evidence } of plan.findings)
    out.line(`${severity.padEnd(7)}  ${advice} (${evidence})`)
  return exitCode.done
}

/** Tells what a run does until it has ended; asks on a terminal, and cancels where nobody can answer. */
export async function followRun(context: VerbContext, run: string) {
  const { out, client } = context
  let after = 0
  for (;;) {
    const told = await client.zotbar.runbooks.state({ run, after, waitMs: 10_000 })
    if (!told.ok) return out.failure(told.error)
    const { lines, next, end } = told.value
    for (const line of lines) {
      out.object(line)
      const words = wordsOf(line)
      if (words !== undefined) out.line(words)
      if (line.question && end === undefined) await answer(context, line.question)
    }
    after = next
    if (end === undefined) continue
    out.object(end)
    if (end.error) out.note(`${end.error.words}${end.error.detail ? `\n${end.error.detail}` : ''}`)
    out.line(resultWords[end.result])
    return end.result === 'done' ? exitCode.done : exitCode.failed
  }
}

const resultWords = {
  done: 'Done',
  'rolled-back': 'It did not work out; everything is as it was before',
  cancelled: 'Cancelled; everything is as it was before',
  failed: 'Failed',
}

function wordsOf({ step, phase, label, done, total, error }: RunbookLine): string | undefined {
  if (phase === 'check' || phase === 'wait') return undefined
  const count = total === undefined ? '' : `, ${done ?? 0} of ${total}`
  const detail = error?.words ?? (label === undefined ? '' : `${label}${count}`)
  return `${step.padEnd(10)}  ${phase}${detail === '' ? '' : `: ${detail}`}`
}

async function answer({ out, client }: VerbContext, question: RunbookQuestion): Promise<void> {
  if (out.json || !process.stdin.isTTY) {
    out.note('Nobody can be asked here; agree beforehand with --yes.')
    await client.zotbar.runbooks.answer({ question: question.id, agreed: false })
    return
  }
  out.line(`${question.title}\n${question.body}`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const said = await terminal.question(`${question.confirm}? (y/N) `).finally(() => terminal.close())
  await client.zotbar.runbooks.answer({ question: question.id, agreed: /^y(es)?$/i.test(said.trim()) })
}
