import { createReadStream } from 'node:fs'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { RunbookPart } from '../../contract/runbook.ts'
import { checkBinary } from '../platform/binary.ts'
import { versionOf } from '../platform/zot-version.ts'
import { verifyUnchanged } from './unchanged-file.ts'

/** Runs a program for its version; `reason` is half a sentence. */
export type InspectProgram = (
  file: string,
  environment: Record<string, string>,
) => Promise<{ usable: true; version?: string } | { usable: false; reason: string }>

export interface VersionOptions {
  file: string
  /** Where it was taken from, as a person knows it: a path or an address. */
  from: string
  sha256: string
  /** The version asked for, where one was. */
  wanted: string | undefined
  machine: { platform: NodeJS.Platform; arch: string }
  environment: Record<string, string>
  inspect: InspectProgram
  onPart?: ((part: RunbookPart) => void) | undefined
}

const part = { id: 'version', title: 'The version it tells itself' }

/**
 * Runs a staged program for the first time, for its version alone; before that its bytes and its type are verified
 * once more. v2.1.10 prints a broken answer, so nothing proves that it is one.
 */
export async function askVersion(
  options: VersionOptions,
): Promise<Result<{ version: string; part: RunbookPart }>> {
  const { onPart } = options
  onPart?.({ ...part, state: 'working' })
  const version = await reportedVersion(options)
  if (version.ok) {
    const passed: RunbookPart = { ...part, state: 'passed', words: version.value }
    onPart?.(passed)
    return ok({ version: version.value, part: passed })
  }
  const { title, steps } = failureMessage(version.error)
  onPart?.({ ...part, state: 'failed', words: `${title}. ${steps[0] ?? ''}`.trim() })
  return version
}

async function reportedVersion({
  file,
  from,
  sha256,
  wanted,
  machine,
  environment,
  inspect,
}: VersionOptions): Promise<Result<string>> {
  const same = await verifyUnchanged(file, sha256)
  if (!same.ok) return same
  const checked = await checkBinary(file, machine)
  if (!checked.ok) return fail({ code: 'not-a-program', path: from, reason: checked.reason })
  const inspected = await inspect(file, environment)
  const noVersion = (reason: string) =>
    fail({
      code: 'version-not-told',
      path: from,
      reason,
      ...(wanted === undefined ? {} : { version: wanted }),
    })
  if (!inspected.usable) return noVersion(inspected.reason)
  if (inspected.version === undefined) return noVersion('its build wrote no version down')
  return wanted === undefined || inspected.version === wanted
    ? ok(inspected.version)
    : fail({ code: 'version-differs', path: from, wanted, told: inspected.version })
}

/** What zot's build puts into the program: "v2.1.15-0-g" and the commit, beside which any other text may stand. */
const describePattern = /v\d+\.\d+\.\d+-\d+-g[0-9a-f]{7,8}/g
/** Longer than any match, so that none is lost at the end of a chunk. */
const overlapChars = 100

/**
 * The version that stands in a program's bytes, without running it: for a plan, never for proof. Undefined where none
 * or more than one is found, or the file cannot be read.
 */
export async function embeddedVersion(file: string): Promise<string | undefined> {
  const versions = new Set<string>()
  let tail = ''
  try {
    for await (const chunk of createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
      const text = `${tail}${chunk}`
      for (const [described] of text.matchAll(describePattern)) versions.add(versionOf(described) ?? '')
      tail = text.slice(-overlapChars)
    }
  } catch {
    return undefined
  }
  return versions.size === 1 ? [...versions][0] : undefined
}
