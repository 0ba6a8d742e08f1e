import type { Failure } from '../contract/failure.ts'
import { failureText } from '../contract/messages/failure-message.ts'
import { plainText } from '../contract/messages/format.ts'

/** Where a command writes: people read stdout and stderr, programs read JSON on stdout and nothing else. */
export interface Output {
  readonly json: boolean
  /** The answer, for people. Prints nothing with --json. */
  line(text: string): void
  /** Progress and hints, for people: on stderr. Prints nothing with --json. */
  note(text: string): void
  /** The answer, for programs: one object on one line. Only with --json. */
  object(value: object): void
  /** Prints a failure the way that was asked for, and gives the exit code it stands for. */
  failure(error: CliFailure): ExitCode
}

export interface Streams {
  stdout: { write(text: string): unknown }
  stderr: { write(text: string): unknown }
}

export function output(json: boolean, streams: Streams = process): Output {
  const object = (value: object): void => {
    if (json) streams.stdout.write(`${JSON.stringify(value)}\n`)
  }
  const note = (text: string): void => {
    if (!json) streams.stderr.write(`${visibleLines(plainText(text))}\n`)
  }
  return {
    json,
    line(text) {
      if (!json) streams.stdout.write(`${visibleLines(plainText(text))}\n`)
    },
    note,
    object,
    failure(error) {
      // What to read next is for people.
      const shown = error.code === 'usage' ? { ...error, help: undefined } : error
      object({ error: shown })
      note(cliFailureText(error))
      return exitCodeOf(error)
    },
  }
}

/** A title, then what to do, one step a line. */
export function cliFailureText(error: CliFailure): string {
  if (error.code === 'usage') {
    const suggestion = error.near === undefined ? '' : ` Did you mean ${error.near}?`
    return `zotbar: ${error.message}.${suggestion}\n  See: ${error.help ?? 'zotbar --help'}`
  }
  if (error.code === 'no-browser')
    return `zotbar: No browser could be opened here\n  ${error.reason}.\n  Open this link yourself; it works once, within 10 minutes: ${error.url}`
  return failureText(error)
}

/** Terminals act on control characters, and directions of writing make a text look like another one. */
const commands = /(?!\t)[\p{Cc}\p{Bidi_Control}]/gu

/** Text that strangers may have written (labels, platforms, lines of a log), as it may stand in one line. */
export const visible = (text: string): string => text.replace(commands, '�')

/** The same for several lines. */
const visibleLines = (text: string): string => text.split('\n').map(visible).join('\n')

/** Columns on one text edge each, two spaces apart; the last one is not padded. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [heads, ...rows.map(row => row.map(visible))]
  const widths = heads.map((_, column) => Math.max(...all.map(row => row[column]?.length ?? 0)))
  return all
    .map(row =>
      row
        .map((cell, column) => cell.padEnd((widths[column] ?? 0) + 2))
        .join('')
        .trimEnd(),
    )
    .join('\n')
}

/** A failure of the core, or of the command line itself. `near`: the verb or flag that was probably meant; `help`: the command that explains more. */
export type CliFailure =
  | Failure
  | { code: 'usage'; message: string; near?: string; help?: string }
  | { code: 'no-browser'; reason: string; url: string }

/** The exit codes other tools rely on. */
export const exitCode = {
  done: 0,
  failed: 1,
  usage: 2,
  appNotRunning: 3,
  /** `status` only. */
  notServing: 4,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

export function exitCodeOf(error: CliFailure): ExitCode {
  if (error.code === 'usage') return exitCode.usage
  return error.code === 'app-not-running' ? exitCode.appNotRunning : exitCode.failed
}
