import * as v from 'valibot'
import { parseJson } from '../../lib/json.ts'
import { maskSecretsIn } from './secret-text.ts'

/**
 * What a program said last before it ended. `logged`: a log line of level error, fatal or panic; `panic`: the message of
 * a crash; `error`: a line that begins with "Error:"; `output`: the last line of plain output. `message` is one line of
 * at most 500 characters, without control characters and with secrets masked.
 */
export interface LastWord {
  kind: 'logged' | 'panic' | 'error' | 'output'
  message: string
}

const maxChars = 500
/** A logged error is no reason for an end that came so long after it, ms. */
const staleAfterMs = 10_000

interface Candidate {
  kind: LastWord['kind']
  message: string
  /** The error that it names: several lines may name the same one. */
  cause: string
}

/**
 * The last word in the output of one run, oldest line first: never a stack frame or a usage text. Undefined where it said
 * nothing, or where it was asked to end. `endedAt`: ms since the epoch; without it the time of the last line counts.
 * The forms are zot's and zotbar-registry's log, and what Go and Node print when a program breaks off.
 */
export function lastWordOf(
  lines: readonly string[],
  { endedAt = 0 }: { endedAt?: number } = {},
): LastWord | undefined {
  const output = withoutTraces(lines)
  const entries = output.map(parseEntry)
  const end = entries.reduce((latest, entry) => Math.max(latest, entry?.time ?? 0), endedAt)
  const candidates = entries.flatMap((entry, index) => {
    if (entry === undefined) return plainCandidate(output, index)
    return entry.isError && end - (entry.time ?? end) <= staleAfterMs ? [entry] : []
  })
  const last = candidates.at(-1)
  if (last === undefined) return lastPlainLine(output)
  return last.cause === cleanEnd ? undefined : asLastWord(withCause(last, candidates))
}

/** What zot names as the error when it was asked to end. */
const cleanEnd = 'http: Server closed'

/** The line that says most about the same error: zot logs it, and then panics or ends with its message alone. */
function withCause(last: Candidate, candidates: readonly Candidate[]): Candidate {
  const logged = candidates.filter(({ kind }) => kind === 'logged')
  if (last.kind !== 'panic')
    return logged.find(({ cause }) => isSame(cause, last.cause) && cause !== '') ?? last
  const same = logged.findLast(({ message }) => message.startsWith(last.message))
  if (same !== undefined) return same
  const before = logged.at(-1)
  // The fault of the program that follows its own error says nothing about that error.
  return before !== undefined && last.message.startsWith('runtime error: ')
    ? { ...last, message: `${before.message}; then it broke off: ${last.message}` }
    : last
}

/** One of them may be cut, as only the first lines of a plain message are known. */
const isSame = (a: string, b: string): boolean => a.startsWith(b) || b.startsWith(a)

const logLine = v.object({
  level: v.string(),
  message: v.string(),
  error: v.optional(v.unknown()),
  time: v.optional(v.unknown()),
})

interface LogEntry extends Candidate {
  isError: boolean
  time?: number
}

function parseEntry(line: string): LogEntry | undefined {
  if (!line.startsWith('{')) return undefined
  const parsed = v.safeParse(logLine, parseJson(line))
  if (!parsed.success) return undefined
  const { level, error } = parsed.output
  const message = oneLine(parsed.output.message)
  const cause = error === undefined ? '' : oneLine(typeof error === 'string' ? error : JSON.stringify(error))
  const time = Date.parse(String(parsed.output.time))
  return {
    kind: 'logged',
    message: [message, cause].filter(text => text !== '').join(': '),
    cause: cause === '' ? message : cause,
    isError: ['error', 'fatal', 'panic'].includes(level),
    ...(Number.isNaN(time) ? {} : { time }),
  }
}

const panicLine = /^\s*(?:panic|fatal error|FATAL ERROR): (.*)/
/** Cobra's "Error: ", and Node's "TypeError [ERR_X]: ". */
const errorLine = /^(?:Error: |(?=\w*Error(?: \[\w+\])?: ))(.*)/
/** A message of several lines is quoted up to this many. Go indents those of a panic. */
const maxMessageLines = 6
const nextPanicLine = /^\t(?!panic: )/
const nextErrorLine = /^(?![{}]|[\w ]*(?:Error|panic|fatal error): )\S/

function plainCandidate(output: readonly string[], index: number): Candidate[] {
  const line = output[index] ?? ''
  const panic = panicLine.exec(line)?.[1]
  const error = panic === undefined ? errorLine.exec(line)?.[1] : undefined
  const first = panic ?? error
  if (first === undefined) return []
  const rest = output.slice(index + 1, index + maxMessageLines)
  const end = rest.findIndex(next => !(panic === undefined ? nextErrorLine : nextPanicLine).test(next))
  const message = oneLine([first, ...(end < 0 ? rest : rest.slice(0, end))].join(' '))
  return [{ kind: panic === undefined ? 'error' : 'panic', message, cause: message }]
}

/** Only after the last log line: a line before it was no farewell. */
function lastPlainLine(output: readonly string[]): LastWord | undefined {
  const begin = output.findLastIndex(line => parseEntry(line) !== undefined) + 1
  const line = output.slice(begin).findLast(text => text.trim() !== '' && !/^\(node:\d+\) /.test(text))
  return line === undefined ? undefined : asLastWord({ kind: 'output', message: oneLine(line), cause: '' })
}

const asLastWord = ({ kind, message }: Candidate): LastWord | undefined => {
  const masked = maskSecretsIn(message)
  const text = masked.length > maxChars ? `${masked.slice(0, maxChars)}…` : masked
  return text === '' ? undefined : { kind, message: text }
}

/** Where a stack trace or a usage text begins, and where it is over. */
const traceBegins = /^(?:goroutine \d+ .*\[.*\]:|\[signal \w+: .*\]|Usage:.*|-+ .*stack trace -+)$/
const traceEnds = /^(?:\{|\s*(?:panic|fatal error): |Error: )/
/** Node's frames, and the source line that it quotes. */
const traceLine =
  /^(?:\s+at .*|Node\.js v[\d.]+|(?:file:\/\/|node:).*:\d+|\s+\^+|\s+throw .*|exit status \d+)$/

/** The lines that say something: without stack traces and usage texts. */
export function withoutTraces(lines: readonly string[]): string[] {
  let isInTrace = false
  return lines.filter(line => {
    if (traceBegins.test(line)) isInTrace = true
    else if (traceEnds.test(line)) isInTrace = false
    return !isInTrace && !traceLine.test(line)
  })
}

/** Colours, control and formatting characters go, white space becomes one blank. */
const oneLine = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape character begins a colour
    .replace(/\u001b\[[\d;]*m/g, '')
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim()
