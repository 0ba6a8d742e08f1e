// One part of a run of tests: a command, what it prints, how it ended and what it reports.
import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

/**
 * Runs a command to its end, its title before each line of its output, since others may run beside it.
 * @param options `env` in addition; `reportIn` is `{file, read}`: where its report is, and what makes it one for the
 *   closing lines; `isYielding`: whether it takes only the processor time that the others leave.
 * @returns what `closing` wants of it.
 */
export async function runPart(title, command, args, { env = {}, reportIn, isYielding = false } = {}) {
  if (reportIn !== undefined) rmSync(reportIn.file, { force: true })
  const started = Date.now()
  console.log(`== ${title}`)
  const ended = await runCommand(title, command, args, env, isYielding)
  console.log(
    `== ${title}: ${ended === undefined ? 'ok' : 'FAILED'} in ${((Date.now() - started) / 1000).toFixed(0)} s`,
  )
  const part = { title }
  if (ended !== undefined) part.ended = ended
  if (reportIn !== undefined) {
    try {
      part.report = reportIn.read(JSON.parse(readFileSync(reportIn.file, 'utf8')))
    } catch (error) {
      part.ended = `${part.ended ?? 'exit 0'} and no report (${error.message})`
    }
  }
  return part
}

/** How the command ended, when it did not end well. */
async function runCommand(title, command, args, env, isYielding) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  const ended = new Promise(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, signal) => resolve(code === 0 ? undefined : (signal ?? `exit ${code}`)))
  })
  if (isYielding && child.pid !== undefined) yieldProcessor(child.pid)
  const printed = [child.stdout, child.stderr].map(async stream => {
    for await (const line of createInterface({ input: stream })) console.log(`${title}: ${line}`)
  })
  const how = await ended
  // A process that the command left behind may keep its output open.
  await Promise.race([Promise.all(printed), pause(2000, undefined, { ref: false })])
  child.stdout.destroy()
  child.stderr.destroy()
  return how
}

function yieldProcessor(pid) {
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // It has ended already.
  }
}
