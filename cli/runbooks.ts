import { duration, exactMoment, relativeTime } from '../contract/messages/format.ts'
import {
  cancelText,
  initiatorText,
  partResultText,
  resultLines,
  shortResultText,
  stepCount,
  stepStateText,
} from '../contract/messages/runbook-message.ts'
import { fail, ok, type Result } from '../contract/result.ts'
import type { RunbookDetails, RunbookProgress, RunbookQuestion } from '../contract/runbook.ts'
import { keyNotGiven, offerKey } from './follow-run.ts'
import { exitCode, table } from './output.ts'
import { hasTerminal, readPiped } from './secret-input.ts'
import type { Verb, VerbContext } from './verb.ts'

/** What is under way, and the last 50 runs. With --json one object: {current?, runs: [...]}. */
export const list: Verb<object> = async ({ out, client, now }) => {
  const [snapshot, history] = [await client.zotbar.app.snapshot({}), await client.zotbar.runbooks.history({})]
  if (!snapshot.ok) return out.failure(snapshot.error)
  if (!history.ok) return out.failure(history.error)
  const { runs } = history.value
  const current = snapshot.value.runbook
  out.object({ ...(current ? { current } : {}), runs })
  if (current) printCurrent(current, out.line)
  if (runs.length === 0) out.line('No runbook has ended yet.')
  else
    out.line(
      table(
        ['RUN', 'WHAT', 'WHEN', 'TOOK', 'RESULT', 'BY'],
        runs.map(record => [
          record.run,
          record.title,
          relativeTime(record.at, now()),
          duration(record.tookMs),
          shortResultText(record),
          initiatorText(record.by),
        ]),
      ),
    )
  return exitCode.done
}

function printCurrent(current: RunbookProgress, line: (text: string) => void): void {
  const { title, step, question } = current
  const count = stepCount(current)
  line(`Under way: ${title}${step ? `, ${count}: ${step.title}` : ''}`)
  if (!question) return
  const yes = question.wants ? '--key-stdin' : '--yes'
  line(`It waits for an answer: ${question.title} (zotbar runbooks answer ${yes}, or --no)`)
}

/** One run with its steps: the one that is named, else the one under way, else the newest. */
export const show: Verb<{ run: string | undefined }> = async ({ out, client }, { run }) => {
  const reply = await client.zotbar.runbooks.show(run === undefined ? {} : { run })
  if (!reply.ok) return out.failure(reply.error)
  out.object(reply.value)
  for (const line of linesOf(reply.value)) out.line(line)
  return exitCode.done
}

function linesOf(details: RunbookDetails): string[] {
  const { title, since, tookMs, by, steps, parts, partsOf, result, error, changed, question } = details
  const took = tookMs === undefined ? '' : `, took ${duration(tookMs)}`
  const lines = [title, `${exactMoment(since)}${took}, from ${initiatorText(by)}`]
  for (const step of steps) {
    const time = step.tookMs === undefined ? '' : `, ${duration(step.tookMs)}`
    const text = step.words === undefined ? '' : `: ${step.words}`
    lines.push(`  ${step.title}, ${stepStateText(step)}${time}${text}`)
    if (step.id === partsOf)
      for (const part of parts) lines.push(`    ${part.title}, ${partResultText(part)}`)
  }
  if (question) lines.push(`${question.title}`, ...question.body.split('\n').map(line => `  ${line}`))
  if (error) lines.push(error.words, ...(error.detail?.split('\n').map(line => `  ${line}`) ?? []))
  lines.push(
    ...(result === undefined
      ? [cancelText(details)]
      : resultLines({ ...details, result, remains: result === 'done' ? [] : changed })),
  )
  return result === 'done' ? [...lines, ...changed.map(change => `  ${change}`)] : lines
}

export interface AnswerOptions {
  agreed: boolean
  /** The key that is asked for comes on stdin. */
  keyStdin: boolean
}

/** Answers the question that a run waits with. With --json one object: {question, agreed}. */
export const answer: Verb<AnswerOptions> = async (context, { agreed, keyStdin }) => {
  const { out, client } = context
  const snapshot = await client.zotbar.app.snapshot({})
  if (!snapshot.ok) return out.failure(snapshot.error)
  const { run, question } = snapshot.value.runbook ?? {}
  if (!question) return out.failure({ code: 'nothing-under-way' })
  if (keyStdin || (agreed && question.wants)) {
    const given = await giveKey(context, question, { run, keyStdin })
    if (!given.ok) return out.failure(given.error)
  } else {
    const answered = await client.zotbar.runbooks.answer({ question: question.id, agreed, run })
    if (!answered.ok) return out.failure(answered.error)
  }
  out.object({ question: question.id, agreed })
  out.line(`${question.title} ${agreed ? 'Yes.' : 'No; what was done is taken back.'}`)
  return exitCode.done
}

/** A yes is not enough here: the key is read from stdin, or asked for on a terminal. */
async function giveKey(
  context: VerbContext,
  question: RunbookQuestion,
  { run, keyStdin }: { run: string | undefined; keyStdin: boolean },
): Promise<Result<null>> {
  const { out, client } = context
  if (keyStdin) {
    const key = await readPiped()
    return key === undefined
      ? fail({ code: 'key-malformed', reason: 'It is far too long' })
      : client.zotbar.keys.offerKey({ question: question.id, key })
  }
  const user = question.wants?.keyOf ?? ''
  if (!out.json && hasTerminal() && (await offerKey(context, question, user, run))) return ok(null)
  return fail(keyNotGiven(question, user))
}

/** Cancels the run under way; answers at once, before everything is taken back. */
export const cancel: Verb<object> = async ({ out, client }) => {
  const snapshot = await client.zotbar.app.snapshot({})
  if (!snapshot.ok) return out.failure(snapshot.error)
  const cancelled = await client.zotbar.runbooks.cancel({})
  if (!cancelled.ok) return out.failure(cancelled.error)
  const { run, title } = snapshot.value.runbook ?? { run: '', title: 'the run' }
  out.object({ cancelled: run })
  out.line(`Cancelled: ${title}. What was done is taken back; see zotbar runbooks show`)
  return exitCode.done
}
