import type { EngineChoice } from './undecided.ts'

/** What a runbook found before it began: an advisory, or something that stops working. */
export interface Finding {
  id: string
  severity: 'info' | 'warning' | 'error'
  /** What proves it, such as a line of the configuration. */
  evidence: string
  advice: string
}

type RunbookPhase = 'check' | 'apply' | 'undo' | 'wait' | 'done' | 'skipped' | 'failed'
export type RunbookResult = 'done' | 'rolled-back' | 'cancelled' | 'failed'

/** `code` for programs, `words` for people, `detail` quoted as it was found. */
export interface RunbookError {
  code: string
  words: string
  detail?: string
}

export interface RunbookQuestion {
  id: string
  title: string
  body: string
  confirm: string
  /** A yes is not enough: the answer is a key of this user (`keys.offerKey`). */
  wants?: { keyOf: string }
  /** How to get that key. */
  signIn?: SignInOffer
  /** A yes repeats what failed because something is locked, and does nothing else. */
  triesAgain?: true
}

/** How a key of `user` is created by signing in at the registry as them. */
export interface SignInOffer {
  user: string
  /** For a browser: the sign-in, which leads to a page that creates keys. Absent where the registry has no such page. */
  url?: string
  /** When it was asked, an app had a window of its own for it (`keys.signIn`): `app.offers` says whether one has now. */
  inWindow?: true
}

/** A part of a step, such as one check of a verification or one sink; it is sent again when it changes. */
export interface RunbookPart {
  id: string
  title: string
  /** `unproven`: accepted, or answered, and what it is to show could not be checked, or not all of it. */
  state: 'pending' | 'working' | 'passed' | 'failed' | 'skipped' | 'unproven'
  words?: string
}

/** One step of a run, as far as it came. */
export interface RunbookStep {
  id: string
  title: string
  why: string
  state: 'pending' | 'working' | 'done' | 'skipped' | 'failed' | 'undoing' | 'undone'
  /** It is done, and could not prove all of what it is to prove. */
  unproven?: true
  /** How long its apply took, in ms; while it works, up to now. */
  tookMs?: number
  /** The result of the step, or what it does at the moment. */
  words?: string
  /** How much is done, while the step runs and counts it. */
  count?: { done: number; total: number; unit?: 'bytes' }
  /** From here on there is no way back. */
  pointOfNoReturn?: true
}

/** One event of a run, as the command line prints it. */
export interface RunbookLine {
  runbook: string
  step: string
  phase: RunbookPhase
  label?: string
  done?: number
  total?: number
  /** What is counted; absent: things, as the label says. */
  unit?: 'bytes'
  part?: RunbookPart
  question?: RunbookQuestion
  error?: RunbookError
}

export interface RunbookEnd {
  runbook: string
  result: RunbookResult
  error?: RunbookError
  /** Of a run that is done: what nobody could prove, a sentence each without its full stop. */
  unproven?: string[]
  /** Of a run that went back: what could not be taken back, a sentence each. */
  remains?: string[]
  /** When the key that was replaced is to be revoked, RFC 3339. */
  retireAt?: string
}

/** The run that is under way. */
export interface RunbookProgress {
  run: string
  runbook: string
  title: string
  by: string
  /** ms since the epoch. */
  since: number
  step?: {
    id: string
    title: string
    phase: RunbookPhase
    label?: string
    done?: number
    total?: number
    unit?: 'bytes'
  }
  question?: RunbookQuestion
  /** It goes back to how it was. */
  undoing: boolean
  steps: RunbookStep[]
  /** The parts of the step under way, each in its latest state. */
  parts: RunbookPart[]
  /** The newest lines that the step under way wrote, such as a build's output, oldest first. */
  lines?: string[]
}

/** A run in full, under way or ended. */
export interface RunbookDetails extends Omit<RunbookProgress, 'step'> {
  /** Once it has ended. */
  result?: RunbookResult
  tookMs?: number
  error?: RunbookError
  unproven?: string[]
  changed: string[]
  /** The step that `parts` belong to: the one under way, else the last that had any. */
  partsOf?: string
}

/** A run that ended. Times are ms since the epoch. */
export interface RunbookRecord {
  run: string
  runbook: string
  title: string
  by?: string
  at: number
  tookMs: number
  result: RunbookResult
  error?: RunbookError
  unproven?: string[]
  changed: string[]
}

/** The lines of a run so far, from one of them on; `end` once it has ended. */
export interface RunbookLines {
  lines: RunbookLine[]
  next: number
  end?: RunbookEnd
}

/** A dry run: what would be done, and what it would mean. */
export interface RunbookPlan {
  runbook: string
  steps: { id: string; title: string; why: string; holds: boolean }[]
  findings: Finding[]
}

/** An engine that was found, or is named in the settings. */
export interface EngineRow {
  id: 'zotbar-registry' | 'zot'
  version?: string
  path: string
  /** The one that is chosen; none is while somebody has yet to choose. */
  current: boolean
  /** Set on the one that was chosen for the data folder of config.json. */
  choice?: EngineChoice
  usable: boolean
  /** Why it is not usable. */
  reason?: string
}
