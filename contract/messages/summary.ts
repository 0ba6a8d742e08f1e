import type { StateName } from '../registry-state.ts'
import type { Question } from './choice-message.ts'

/** Who has to do something: the class decides glyph, colour and tray image. */
export type StatusClass = 'fine' | 'attention' | 'working' | 'down' | 'off' | 'asks'

export type StatusVerb =
  | 'start'
  | 'stop'
  | 'restart'
  | 'restart-now'
  | 'cancel'
  | 'try-again'
  | 'check-again'
  /** Checks again whether the registry can be started. */
  | 'look-again'
  /** Chooses an engine for the data folder: a runbook. */
  | 'use-zot'
  | 'use-zotbar-registry'
  /** Brings back the config.json that last started, and starts. */
  | 'use-last-config'
  /** Shows the keys; the registry is not asked for anything. */
  | 'show-keys'

export interface StatusAction {
  verb: StatusVerb
  label: string
  kind: 'fill' | 'plain' | 'danger'
  /** The question that comes before the action, where there is one. */
  question?: Question
}

/** True where the app confirms with a native dialog, so that its windows and its menu do not ask too. */
export const asksNatively = (verb: StatusVerb): boolean =>
  verb === 'use-zot' || verb === 'use-zotbar-registry' || verb === 'use-last-config'

/** One headline for tray, popover, window and command line. */
export interface StatusSummary {
  class: StatusClass
  state: StateName
  headline: string
  reason: string
  /** What helps with the state that the headline names; Restart and Stop, which are always there, are not among them. */
  actions: StatusAction[]
}
