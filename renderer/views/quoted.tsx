import type { ConfigFault } from '../../contract/failure.ts'
import { faultMessage } from '../../contract/messages/start-message.ts'
import { undecidedEvidence } from '../../contract/messages/undecided-message.ts'
import type { ProcessState } from '../../contract/registry-state.ts'

/** The last lines that the registry wrote before it ended, and when that was; none in other states. */
export function lastLinesOf(process: ProcessState): { lines: string[]; at: number } | undefined {
  const lines =
    process.kind === 'backing-off' || process.kind === 'crash-looping'
      ? process.lastLines
      : process.kind === 'failed' && 'lastLines' in process.error
        ? process.error.lastLines
        : []
  return lines.length === 0 ? undefined : { lines, at: process.since }
}

const level = /\b(panic|fatal|error)\b/i
const longest = 400

/** Log lines as they were written; the newest `most`, each cut where it goes on for too long. */
export function Excerpt({ lines, limit }: { lines: string[]; limit: number }) {
  const shown = lines.slice(-limit).map(line => (line.length > longest ? `${line.slice(0, longest)}…` : line))
  return (
    <pre className="excerpt">
      {shown.map((line, index) => {
        const mark = level.exec(line)
        const end = index === shown.length - 1 ? '' : '\n'
        if (!mark) return `${line}${end}`
        return [
          line.slice(0, mark.index),
          // biome-ignore lint/suspicious/noArrayIndexKey: lines may repeat, and never change places
          <b key={index}>{mark[0]}</b>,
          `${line.slice(mark.index + mark[0].length)}${end}`,
        ]
      })}
    </pre>
  )
}

/** What is wrong in config.json, where that is why the registry does not run. */
export const faultsOf = (process: ProcessState): { file: string; faults: ConfigFault[] } | undefined =>
  process.kind === 'failed' && process.error.code === 'config-invalid' ? process.error : undefined

/** Each fault with its line and key, as a list. */
export function FaultList({ faults }: { faults: ConfigFault[] }) {
  return (
    <ul className="excerpt">
      {faults.map(fault => (
        <li key={faultMessage(fault)}>{faultMessage(fault)}</li>
      ))}
    </ul>
  )
}

/**
 * The lines of a reason that a view shows as evidence, so that it does not show them twice. `now` in ms since the epoch.
 */
export function quotedIn(process: ProcessState, now: number): Set<string> {
  if (process.kind === 'undecided') return new Set(undecidedEvidence(process, now))
  if (process.kind !== 'failed') return new Set()
  const { error } = process
  if (error.code === 'config-invalid') return new Set([error.file, ...error.faults.map(faultMessage)])
  return new Set('lastLines' in error ? error.lastLines : [])
}
