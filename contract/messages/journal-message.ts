import type { JournalEntry } from '../registry-state.ts'
import { unreachable } from '../result.ts'
import { capital, count, duration, relativeTime } from './format.ts'
import { endMessage } from './start-message.ts'

/** One line of "why did it restart": a title with its time, and one sentence of detail. */
export interface JournalMessage {
  title: string
  detail: string
}

/** `now` in ms since the epoch. */
export function journalMessage(entry: JournalEntry, now: number): JournalMessage {
  const at = relativeTime(entry.at, now)
  const back = entry.downMs === undefined ? '' : ` ${duration(entry.downMs)} without an answer.`
  const ran = entry.ranForMs === undefined ? '' : ` It had run for ${duration(entry.ranForMs)}.`
  const { exit: how, lastWord } = entry
  const exit = how === undefined ? 'ended' : endMessage({ exit: how, ...(lastWord && { lastWord }) })
  const cutPushes = cutText(entry)
  switch (entry.cause) {
    case 'asked-restart':
      return entry.downMs === undefined
        ? {
            title: `Stopped for a restart ${at}`,
            detail: `You asked.${cutPushes} It has not answered since.`,
          }
        : { title: `Restarted ${at}`, detail: `You asked.${back}${cutPushes}` }
    case 'asked-stop':
      return { title: `Stopped ${at}`, detail: `You asked.${cutPushes || ' No push was cut off.'}` }
    case 'asked-start':
      return { title: `Started ${at}`, detail: 'You asked.' }
    case 'app-started':
      return { title: `Started ${at}`, detail: 'Zotbar was started.' }
    case 'app-quit':
      return { title: `Stopped ${at}`, detail: `Zotbar was quit.${cutPushes}` }
    case 'adopted':
      return {
        title: `Found running ${at}`,
        detail: `Process ${entry.pid ?? '?'} had kept serving and is supervised again.`,
      }
    case 'hung':
      return {
        title: `Stopped answering ${at}`,
        detail: `It was ended and started again.${ran}${back}${cutPushes}`,
      }
    case 'crashed':
      return {
        title: entry.downMs === undefined ? `Crashed ${at}` : `Crashed and restarted ${at}`,
        detail: `It ${exit}.${ran}${back}${cutPushes}`,
      }
    case 'ended-by-itself':
      return {
        title: entry.downMs === undefined ? `Ended by itself ${at}` : `Ended by itself and restarted ${at}`,
        detail: `It ${exit}.${ran}${back}${cutPushes}`,
      }
    case 'start-failed':
      return { title: `Did not start ${at}`, detail: `${capital(`it ${exit}`)}.${back}` }
    case 'data-lost':
      return {
        title: `Stopped ${at}`,
        detail: `Its data folder went, or became another one.${ran}${back}${cutPushes}`,
      }
    case 'woke':
    case 'retry':
      return {
        title: `Started again ${at}`,
        detail: entry.cause === 'woke' ? 'The computer woke.' : 'It was time to try again.',
      }
    default:
      return unreachable(entry.cause)
  }
}

const maxNamed = 3

/** " 1 push was cut off: team/app." */
function cutText({ pushesCut = 0, cutRepositories = [] }: JournalEntry): string {
  if (pushesCut === 0) return ''
  const names = cutRepositories.slice(0, maxNamed).join(', ')
  const more = pushesCut > maxNamed ? ` and ${pushesCut - maxNamed} more` : ''
  return ` ${count(pushesCut, 'push was', 'pushes were')} cut off${names === '' ? '' : `: ${names}${more}`}.`
}
