import type { CoreLink } from '../contract/core-link.ts'
import { failureMessage } from '../contract/messages/failure-message.ts'
import { statusSummary } from '../contract/messages/status-summary.ts'
import type { StatusClass, StatusSummary } from '../contract/messages/summary.ts'
import type { Snapshot } from '../contract/snapshot.ts'

/** What the icon shows: the state of the registry, or why that is not known. */
export type CoreView =
  | { kind: 'live'; class: StatusClass; headline: string; snapshot: Snapshot; status: StatusSummary }
  /** `canStart`: starting a core may help. */
  | { kind: 'away'; class: StatusClass; headline: string; reason: string; canStart: boolean }

/** The view of a link; `now` in ms since the epoch. Pure. */
export function coreView(link: CoreLink, snapshot: Snapshot | undefined, now: number): CoreView {
  if (link.kind === 'lost') return link.isStarting ? starting : lostView(link)
  if (link.kind === 'connecting' || snapshot === undefined) return starting
  const status = statusSummary(snapshot, now)
  return { kind: 'live', class: status.class, headline: status.headline, snapshot, status }
}

const starting: CoreView = {
  kind: 'away',
  class: 'working',
  headline: 'Starting Zotbar',
  reason: 'The menu shows the registry as soon as its background process answers.',
  canStart: false,
}

function lostView({ error }: Extract<CoreLink, { kind: 'lost' }>): CoreView {
  const { title, steps } = failureMessage(error)
  return {
    kind: 'away',
    class: 'attention',
    headline: title,
    reason: steps[0] ?? '',
    // One that runs has to be quit first.
    canStart: error.code !== 'core-older' && error.code !== 'other-contract',
  }
}
