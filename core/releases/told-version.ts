import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import { inspectZot } from '../engine/zot.ts'
import { checkBinary } from '../platform/binary.ts'
import { verifyAgain } from './trust.ts'

export interface ToldWith {
  file: string
  sha256: string
  /** The version asked for, where one was. */
  wanted: string | undefined
  machine: { platform: NodeJS.Platform; arch: string }
  environment: Record<string, string>
  onPart?: ((part: RunbookPart) => void) | undefined
}

const part = { id: 'version', title: 'The version it tells itself' }

/**
 * Runs a staged program for the first time, for its version alone; before that its bytes and its type are looked at
 * once more. v2.1.10 prints a broken answer, so nothing proves that it is one.
 */
export async function askVersion(what: ToldWith): Promise<Result<{ version: string; part: RunbookPart }>> {
  const { onPart } = what
  onPart?.({ ...part, state: 'working' })
  const told = await versionOf(what)
  if (told.ok) {
    const passed: RunbookPart = { ...part, state: 'passed', words: told.value }
    onPart?.(passed)
    return ok({ version: told.value, part: passed })
  }
  const { title, steps } = failureMessage(told.error)
  onPart?.({ ...part, state: 'failed', words: `${title}. ${steps[0] ?? ''}`.trim() })
  return told
}

async function versionOf({ file, sha256, wanted, machine, environment }: ToldWith): Promise<Result<string>> {
  const same = await verifyAgain(file, sha256)
  if (!same.ok) return same
  const checked = await checkBinary(file, machine)
  if (!checked.ok) return fail({ code: 'not-a-program', path: file, reason: checked.reason })
  const found = await inspectZot(file, environment)
  const untold = (reason: string) =>
    fail({
      code: 'version-not-told',
      path: file,
      reason,
      ...(wanted === undefined ? {} : { version: wanted }),
    })
  if (!found.usable) return untold(found.reason)
  if (found.version === undefined) return untold('what it printed is not in the form of zot')
  return wanted === undefined || found.version === wanted
    ? ok(found.version)
    : fail({ code: 'version-differs', path: file, wanted, told: found.version })
}
