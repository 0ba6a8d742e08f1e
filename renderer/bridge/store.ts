import type { ZotbarBridge, ZotbarClient } from '../../contract/contract.ts'
import type { Failure } from '../../contract/failure.ts'
import { asksNatively, type StatusVerb } from '../../contract/messages/summary.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import type { Result } from '../../contract/result.ts'
import type { SettingChanged } from '../../contract/setting.ts'
import type { OpenTarget } from '../../contract/shell.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Connection, Link } from './connection.ts'
import { readLastKnown, saveLastKnown } from './last-known.ts'
import { isOvertaken, predict, predictionMs } from './prediction.ts'
import { nextTransition, type Transition } from './transition.ts'

/** Everything a view shows, replaced as a whole at each change. */
export interface StoreState {
  link: Link
  /** The last snapshot, with the predicted process state while there is a prediction. */
  snapshot?: Snapshot
  /** False while `snapshot` is from before this page was opened. */
  fresh: boolean
  transition?: Transition
  /** Until when this page may do everything, ms since the epoch; absent in Electron, where it always may. */
  fullUntil?: number
  /** The last command that failed, until the next one or until the process changes. */
  failure?: Failure
}

/** What views can do. Answers come back as changes of the state. */
export interface Store {
  shell: Connection['shell']
  state(): StoreState
  subscribe(listener: () => void): () => void
  act(verb: StatusVerb): void
  open(target: OpenTarget): void
  /** Accepts the data folder, after a native confirmation: in Electron only. */
  acceptFolder(): void
  /** Agrees that everybody is served at this address, after a native confirmation: in Electron only. */
  serveOpenly(address: string): void
  quit(): void
  /** Has the menu-bar app start Zotbar's core; absent in a browser. */
  startCore?(): void
  /** Ends the session of the dashboard. */
  signOut(): void
  /** Called by the view that shows the answer, which is no part of the state. */
  images: ZotbarClient['images']
  keys: ZotbarClient['keys']
  runbooks: ZotbarClient['runbooks']
  upgrade: ZotbarClient['upgrade']
  settings: ZotbarClient['settings']
}

/** Joins the core's snapshots, the predictions and the link into what the views show. */
export function createStore(connection: Connection, clock: () => number = Date.now): Store {
  const { bridge } = connection
  const cached = readLastKnown()
  let state: StoreState = {
    link: { kind: 'connecting' },
    fresh: false,
    ...(cached ? { snapshot: cached } : {}),
  }
  /** The last snapshot, without predictions. */
  let latest = cached
  let withdrawal: ReturnType<typeof setTimeout> | undefined
  const listeners = new Set<() => void>()

  const change = (changes: Partial<StoreState>): void => {
    state = { ...state, ...changes }
    for (const listener of listeners) listener()
  }
  const without = (key: 'failure' | 'transition'): void => {
    const { [key]: _, ...rest } = state
    state = rest
  }

  function acceptSnapshot(next: Snapshot): void {
    // An answer and an event may cross; the older one changes nothing.
    if (state.fresh && latest && next.app.pid === latest.app.pid && next.takenAt < latest.takenAt) return
    const hasMoved = !latest || isOvertaken(latest.process, next.process)
    latest = next
    saveLastKnown(next)
    if (hasMoved) {
      clearTimeout(withdrawal)
      withdrawal = undefined
      without('failure')
    }
    // While there is a prediction, the core's state is older than the command and would end the transition.
    const transition =
      withdrawal === undefined ? nextTransition(state.transition, next.process) : state.transition
    without('transition')
    const shown =
      withdrawal !== undefined && state.snapshot ? { ...next, process: state.snapshot.process } : next
    change({ snapshot: shown, fresh: true, ...(transition ? { transition } : {}) })
  }

  function showPrediction(verb: StatusVerb): void {
    if (!latest) return
    const process = predict(latest.process, verb, clock())
    if (!process) return
    clearTimeout(withdrawal)
    withdrawal = setTimeout(withdraw, predictionMs)
    const transition = nextTransition(state.transition, process)
    change({ snapshot: { ...latest, process }, ...(transition ? { transition } : {}) })
  }

  function withdraw(): void {
    if (withdrawal === undefined) return
    clearTimeout(withdrawal)
    withdrawal = undefined
    without('transition')
    if (latest) change({ snapshot: latest })
  }

  async function refresh(): Promise<void> {
    const answer = await bridge.app.snapshot({})
    if (answer.ok) acceptSnapshot(answer.value)
  }

  /** What the app confirms natively: declined there is no failure to show. */
  function confirmed(asked: Promise<Result<Snapshot | SettingChanged>>): void {
    without('failure')
    void asked.then(answer => {
      if (answer.ok && 'process' in answer.value) acceptSnapshot(answer.value)
      else if (!answer.ok && answer.error.code !== 'cancelled') change({ failure: answer.error })
    })
  }

  bridge.on('snapshot', acceptSnapshot)
  connection.session?.watch(() => change(accessOf(connection)))
  connection.watch(link => {
    change({ link, ...accessOf(connection), ...(link.kind === 'live' ? {} : { fresh: false }) })
    if (link.kind === 'live') void refresh()
  })

  return {
    shell: connection.shell,
    state: () => state,
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    act(verb) {
      if (verb === 'show-keys') return showKeys(connection)
      without('failure')
      showPrediction(verb)
      void runVerb(bridge, verb, latest?.process).then(answer => {
        if (answer.ok) {
          if (answer.value !== null && 'process' in answer.value) acceptSnapshot(answer.value)
          return
        }
        withdraw()
        // A declined confirmation is no failure to show.
        if (asksNatively(verb) && answer.error.code === 'cancelled') return
        change({ failure: answer.error })
      })
    },
    open(target) {
      void bridge.app.open({ what: target }).then(answer => {
        if (!answer.ok) change({ failure: answer.error })
      })
    },
    acceptFolder: () => confirmed(bridge.data.accept({})),
    serveOpenly: address => confirmed(bridge.settings.set({ key: 'registry.open', value: address })),
    quit: () => void bridge.app.quit({}),
    ...(connection.startCore ? { startCore: connection.startCore } : {}),
    signOut: () => connection.session?.signOut(),
    images: bridge.images,
    keys: bridge.keys,
    runbooks: bridge.runbooks,
    upgrade: bridge.upgrade,
    settings: bridge.settings,
  }
}

const accessOf = ({ session }: Connection): Pick<StoreState, 'fullUntil'> =>
  session ? { fullUntil: session.fullUntil() } : {}

/** In a browser the window is the page beside the popover. */
function showKeys({ shell, bridge }: Connection): void {
  if (shell === 'electron') void bridge.app.open({ what: 'keys' })
  else location.assign(location.pathname.endsWith('/popover.html') ? './window.html#keys' : '#keys')
}

/** Runs the command that a verb of the status summary stands for. */
function runVerb(
  bridge: ZotbarBridge,
  verb: Exclude<StatusVerb, 'show-keys'>,
  shown: ProcessState | undefined,
): ReturnType<
  | ZotbarBridge['registry']['start']
  | ZotbarBridge['registry']['cancel']
  | ZotbarBridge['engine']['use']
  | ZotbarBridge['config']['restore']
> {
  switch (verb) {
    case 'start':
    case 'try-again':
    case 'check-again':
      return bridge.registry.start({})
    case 'stop':
      return bridge.registry.stop({})
    case 'restart':
      return bridge.registry.restart({ now: false })
    case 'restart-now':
      return bridge.registry.restart({ now: true })
    case 'cancel':
      return bridge.registry.cancel({})
    case 'look-again':
      return bridge.registry.lookAgain({})
    case 'use-zot':
      return bridge.engine.use({ engine: 'zot', yes: true, dryRun: false })
    case 'use-zotbar-registry':
      return bridge.engine.use({ engine: 'zotbar-registry', yes: true, dryRun: false })
    case 'use-last-config':
      return bridge.config.restore(shown && 'lastConfig' in shown ? { id: shown.lastConfig?.id } : {})
  }
}
