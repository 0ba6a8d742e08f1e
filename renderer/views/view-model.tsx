import {
  createContext,
  type ReactNode,
  type RefObject,
  useContext,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react'
import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import { atTime } from '../../contract/messages/format.ts'
import { statusSummary } from '../../contract/messages/status-summary.ts'
import {
  asksNatively,
  type StatusAction,
  type StatusSummary,
  type StatusVerb,
} from '../../contract/messages/summary.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Link } from '../bridge/connection.ts'
import type { Store, StoreState } from '../bridge/store.ts'
import type { Transition } from '../bridge/transition.ts'
import { Sheet } from '../ui/sheet.tsx'
import { Diff } from './plan-parts.tsx'

/** What a view shows at one moment. `now` is that moment, ms since the epoch. */
export interface ViewModel {
  snapshot: Snapshot
  status: StatusSummary
  now: number
  /** False while the core does not answer: the view shows an old state, and offers no actions. */
  isConnected: boolean
  /** "13:20": set when the state shown is not the one of now. */
  asOf?: string
  transition?: Transition
  failure?: Failure
  /** The menu-bar app has no core, and may start one. */
  canStartCore?: boolean
}

const StoreContext = createContext<Store | undefined>(undefined)
export const StoreProvider = StoreContext.Provider

export function useStore(): Store {
  const store = useContext(StoreContext)
  if (!store) throw new Error('no store around this view')
  return store
}

export function useStoreState(): StoreState {
  const store = useStore()
  return useSyncExternalStore(store.subscribe, store.state)
}

/** The time, once a second while the page is visible; a hidden page costs nothing. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now)
  useEffect(() => {
    let timer: ReturnType<typeof setInterval> | undefined
    const adjust = (): void => {
      clearInterval(timer)
      if (document.visibilityState !== 'visible') return
      setNow(Date.now())
      timer = setInterval(() => setNow(Date.now()), 1000)
    }
    adjust()
    document.addEventListener('visibilitychange', adjust)
    return () => {
      clearInterval(timer)
      document.removeEventListener('visibilitychange', adjust)
    }
  }, [])
  return now
}

/** What the views show of the store's state at a time; undefined before the first snapshot. */
export function viewModel(known: StoreState, clock: number): ViewModel | undefined {
  const { snapshot, link } = known
  if (!snapshot) return undefined
  // A snapshot may be newer than the last tick; for an old one its own time is shown.
  const now = known.fresh ? Math.max(clock, snapshot.takenAt) : snapshot.takenAt
  const summary = statusSummary(snapshot, now)
  const rest = {
    snapshot,
    now,
    ...(known.transition ? { transition: known.transition } : {}),
    ...(known.failure ? { failure: known.failure } : {}),
  }
  if (known.fresh) return { ...rest, status: summary, isConnected: true }
  const asOf = atTime(snapshot.takenAt, clock)
  if (link.kind !== 'lost') return { ...rest, status: summary, isConnected: true, asOf }
  return {
    ...rest,
    status: link.error === undefined ? lost(summary, asOf) : coreAway(summary, asOf, link),
    isConnected: false,
    asOf,
    canStartCore: canStartCore(link),
  }
}

const lost = (summary: StatusSummary, asOf: string): StatusSummary => ({
  class: 'attention',
  state: summary.state,
  headline: 'Zotbar does not answer',
  reason: `Last known state as of ${asOf}: ${summary.headline}. The registry may go on without it. This page tries again by itself; to start Zotbar, run zotbar start.`,
  actions: [],
})

type Lost = Extract<Link, { kind: 'lost' }>

/** Whether starting a core may help: one that runs has to be quit first. */
export const canStartCore = ({ error, isStarting }: Lost): boolean =>
  error !== undefined && isStarting !== true && error.code !== 'core-older' && error.code !== 'other-contract'

/** Why the menu-bar app has no core, for people. */
export function coreAwayMessage({ error, isStarting }: Lost): { title: string; reason: string } {
  if (isStarting) return { title: 'Starting Zotbar', reason: 'Its background process was not there.' }
  const { title, steps } =
    error === undefined ? { title: 'Zotbar does not answer', steps: [] } : failureMessage(error)
  return { title, reason: steps[0] ?? '' }
}

function coreAway(summary: StatusSummary, asOf: string, link: Lost): StatusSummary {
  const { title, reason } = coreAwayMessage(link)
  return {
    class: link.isStarting ? 'working' : 'attention',
    state: summary.state,
    headline: title,
    reason: `${reason}\nLast known state as of ${asOf}: ${summary.headline}. The registry may go on without it.`,
    actions: [],
  }
}

/** Runs actions, after the question of those that have one. The sheet closes when its action is no longer offered. */
export function useActs(actions: StatusAction[]): { act: (action: StatusAction) => void; sheet: ReactNode } {
  const store = useStore()
  const [asking, setAsking] = useState<StatusVerb>()
  const pending = actions.find(action => action.verb === asking)
  return {
    act: ({ verb, question }) =>
      question && !(store.shell === 'electron' && asksNatively(verb)) ? setAsking(verb) : store.act(verb),
    sheet: pending?.question ? (
      <Sheet
        title={pending.question.title}
        body={pending.question.body}
        confirm={pending.question.confirm}
        broad={pending.question.diff !== undefined}
        onConfirm={() => store.act(pending.verb)}
        onClose={() => setAsking(undefined)}
      >
        {pending.question.diff !== undefined && (
          <Diff text={pending.question.diff} label="What would change" />
        )}
      </Sheet>
    ) : null,
  }
}

/** Restart and Stop, where the headline does not offer them; while a choice is open, Look again. */
export function primaryActions(model: ViewModel): StatusAction[] {
  // A runbook that is under way controls the registry.
  if (!model.isConnected || model.snapshot.runbook) return []
  if (model.snapshot.process.kind === 'undecided')
    return model.status.actions.filter(({ verb }) => verb === 'look-again')
  if (model.snapshot.process.kind !== 'serving') return []
  const all: StatusAction[] = [
    { verb: 'restart', label: 'Restart', kind: 'plain' },
    { verb: 'stop', label: 'Stop', kind: 'plain' },
  ]
  return all.filter(action => !model.status.actions.some(offered => offered.verb === action.verb))
}

/**
 * When the focused element disappears, moves the focus to what `find` returns, or to `box`, so that the keyboard does
 * not start at the top again.
 */
export function useRestoredFocus(
  box: RefObject<HTMLElement | null>,
  find: () => HTMLElement | null | undefined,
): void {
  const held = useRef<Element>(null)
  useEffect(() => {
    const remember = (event: FocusEvent): void => {
      held.current = event.target instanceof Element ? event.target : null
    }
    document.addEventListener('focusin', remember)
    return () => document.removeEventListener('focusin', remember)
  }, [])
  useLayoutEffect(() => {
    if (!held.current || held.current.isConnected || document.activeElement !== document.body) return
    held.current = null
    ;(find() ?? box.current)?.focus()
  })
}
