import type { Failure } from '../contract/failure.ts'
import { failureMessage } from '../contract/messages/failure-message.ts'
import { exactMoment } from '../contract/messages/format.ts'
import { partResultText, progressText, resultLines } from '../contract/messages/runbook-message.ts'
import type { Result } from '../contract/result.ts'
import type {
  RunbookEnd,
  RunbookError,
  RunbookLine,
  RunbookPlan,
  RunbookQuestion,
} from '../contract/runbook.ts'
import { askForYes, isUnattended } from './ask-for-yes.ts'
import { cliFailureText, type ExitCode, exitCode, exitCodeOf } from './output.ts'
import { readHidden } from './secret-input.ts'
import type { VerbContext } from './verb.ts'

/** Where nobody can be asked, a locked backend is tried again after so many ms, so many times. */
const retryPolicy = { afterMs: 3_000, times: 20 }

interface Options {
  /** Whether the user agreed beforehand; undefined where the verb has no --yes. */
  yes?: boolean
}

/** A runbook's verb: prints its plan, or follows the run that was begun; exits 0 when that is done, else 1. */
export async function reportRun(
  context: VerbContext,
  runbook: string,
  begun: Result<{ run: string } | { plan: RunbookPlan }>,
  options: Options = {},
): Promise<ExitCode> {
  if (!begun.ok) return reportRefusal(context, runbook, begun.error)
  return 'plan' in begun.value
    ? printPlan(context, begun.value.plan)
    : followRun(context, begun.value.run, options)
}

/** A run that was refused ends as one that failed: its error is in the last object. */
function reportRefusal({ out }: VerbContext, runbook: string, error: Failure): ExitCode {
  if (error.code === 'app-not-running' || error.code === 'app-not-answering') return out.failure(error)
  out.object({ runbook, result: 'failed', error })
  out.note(cliFailureText(error))
  return exitCodeOf(error)
}

function printPlan({ out }: VerbContext, plan: RunbookPlan): ExitCode {
  out.object(plan)
  for (const { title, why, holds } of plan.steps)
    out.line(`${holds ? 'already' : '       '}  ${title}. ${why}`)
  for (const { id, severity, advice, evidence } of plan.findings)
    out.line(`${severity.padEnd(7)}  ${id}: ${advice}${evidence === '' ? '' : ` (${evidence})`}`)
  return exitCode.done
}

/** Prints the lines of a run until it has ended; asks on a terminal, and cancels where nobody can answer. */
async function followRun(context: VerbContext, run: string, options: Options): Promise<ExitCode> {
  const { out, client } = context
  process.once('SIGINT', () => {
    out.note('It goes on in the background. To cancel it: zotbar runbooks cancel')
    process.exit(130)
  })
  let after = 0
  let missing: RunbookError | undefined
  let triesLeft = retryPolicy.times
  for (;;) {
    const reply = await client.zotbar.runbooks.state({ run, after, waitMs: 10_000 })
    if (!reply.ok) return out.failure(reply.error)
    const { lines, next, end } = reply.value
    for (const line of lines) {
      out.object(line)
      const text = textOf(line)
      if (text !== undefined) out.line(text)
      if (!line.question || end !== undefined) continue
      if (await retryIfLocked(context, run, line.question, triesLeft)) triesLeft -= 1
      else missing = (await answer(context, run, line.question, options)) ?? missing
    }
    after = next
    if (end === undefined) continue
    // For the core a question that was answered with no is a cancel.
    const error = end.error ?? (end.result === 'cancelled' ? missing : undefined)
    out.object({ ...end, ...(error ? { error } : {}) })
    if (error) out.note(`${error.words}${error.detail ? `\n${error.detail}` : ''}`)
    for (const line of endLines(end)) out.line(line)
    return end.result === 'done' ? exitCode.done : exitCode.failed
  }
}

/** How it ended, then "The old key works until Thursday 12 March 2026, 14:02:06, then it is revoked." */
function endLines(end: RunbookEnd): string[] {
  const { result, retireAt } = end
  const lines = resultLines(end)
  if (result !== 'done' || retireAt === undefined) return lines
  const until = `The old key works until ${exactMoment(Date.parse(retireAt))}, then it is revoked.`
  return lines.length === 1 ? [`${lines[0]}. ${until}`] : [...lines, until]
}

function textOf(line: RunbookLine): string | undefined {
  const { step, phase, label, part, error } = line
  if (phase === 'check' || phase === 'wait') return undefined
  // A part that has not ended is for a view that redraws; here each part is one line.
  if (part?.state === 'pending' || part?.state === 'working') return undefined
  const reply = part ? `${part.title}: ${partResultText(part)}` : label
  const detail = error?.words ?? (reply === undefined ? '' : progressText(reply, line))
  if (part) return `${''.padEnd(10)}  ${detail}`
  return `${step.padEnd(10)}  ${phase}${detail === '' ? '' : `: ${detail}`}`
}

/** Somebody may unlock it meanwhile, elsewhere than on this terminal. */
async function retryIfLocked(
  context: VerbContext,
  run: string,
  question: RunbookQuestion,
  triesLeft: number,
): Promise<boolean> {
  if (!question.triesAgain || !isUnattended(context.out) || triesLeft === 0) return false
  if (triesLeft === retryPolicy.times)
    context.out.note(`${question.title}: ${question.body}\nIt is tried again for a minute.`)
  await new Promise(resolve => setTimeout(resolve, retryPolicy.afterMs))
  await context.client.zotbar.runbooks.answer({ question: question.id, agreed: true, run })
  return true
}

/** Why a question was answered with no where nobody can be asked; --yes is named where it would have answered. */
export function unattendedText(question: RunbookQuestion, { yes }: Options): string {
  if (question.wants) return `Nobody can give a key of ${question.wants.keyOf} here.`
  if (question.triesAgain) return `Nobody can answer here: ${question.title}.`
  if (yes === false) return 'Nobody can answer here; agree beforehand with --yes.'
  return `Nobody can answer this here${yes ? ', and --yes does not' : ''}: ${question.title}`
}

/** Answers with what was missing, where nobody can be asked. */
async function answer(
  context: VerbContext,
  run: string,
  question: RunbookQuestion,
  options: Options,
): Promise<RunbookError | undefined> {
  const { out, client } = context
  if (isUnattended(context.out)) {
    out.note(unattendedText(question, options))
    await client.zotbar.runbooks.answer({ question: question.id, agreed: false, run })
    return question.wants ? missingKey(question, question.wants.keyOf) : undefined
  }
  out.line(`${question.title}\n${question.body}`)
  if (question.signIn?.url !== undefined)
    out.line(`Sign in as ${question.signIn.user} here: ${question.signIn.url}`)
  if (question.wants) {
    await offerKey(context, question, question.wants.keyOf, run)
    return undefined
  }
  const agreed = await askForYes(question.confirm)
  const answered = await client.zotbar.runbooks.answer({ question: question.id, agreed, run })
  // Meanwhile somebody else may have answered.
  if (!answered.ok) out.note(cliFailureText(answered.error))
  return undefined
}

/** What a rotation lacked that waited for a key in vain. */
export function keyNotGiven({ signIn }: RunbookQuestion, user: string): Failure {
  return { code: 'key-not-given', user, ...(signIn?.url === undefined ? {} : { signIn: signIn.url }) }
}

function missingKey(question: RunbookQuestion, user: string): RunbookError {
  const failure = keyNotGiven(question, user)
  const { title, steps } = failureMessage(failure)
  return { code: failure.code, words: `${title}.`, detail: steps.join('\n') }
}

/** Asks for the key until the core accepts one, and answers whether it did; an empty line declines. */
export async function offerKey(
  { out, client }: VerbContext,
  question: RunbookQuestion,
  user: string,
  run: string | undefined,
): Promise<boolean> {
  for (;;) {
    const key = await readHidden(`The key of ${user} (it is not shown): `)
    if (key === undefined || key.trim() === '') {
      await client.zotbar.runbooks.answer({ question: question.id, agreed: false, run })
      return false
    }
    const accepted = await client.zotbar.keys.offerKey({ question: question.id, key })
    if (accepted.ok) return true
    out.note(cliFailureText(accepted.error))
    if (['nothing-under-way', 'already-answered'].includes(accepted.error.code)) return false
  }
}
