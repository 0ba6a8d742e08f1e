import { step } from '../../../core/supervisor/machine.ts'
import { type Policy, standardPolicy } from '../../../core/supervisor/policy.ts'
import { publicState } from '../../../core/supervisor/public-state.ts'
import {
  type CheckResult,
  type Effect,
  type Event,
  firstState,
  type RegistryProcess,
  type State,
  type UntimedEvent,
} from '../../../core/supervisor/state.ts'
import { desiredWatches } from '../../../core/supervisor/watches.ts'
import { zotStore } from '../../fakes/undecided.ts'
import { target } from './drive.ts'

interface Process {
  pid: number
  ours: boolean
  alive: boolean
  /** Signals that it was sent and has not acted on. */
  term: boolean
  killed: boolean
}

/** A machine made of plain data: processes, one port, and answers that are still on their way. */
export function createWorld(drainsItself: boolean, left: boolean) {
  const policy: Policy = standardPolicy
  const processes: Process[] = []
  const answers: (() => UntimedEvent | undefined)[] = []
  const faults: string[] = []
  let state: State = firstState(0)
  let at = 0
  let pid = 100
  let foreigner = false
  /** Somebody has to choose before anything is started. */
  let open = false
  let recorded: RegistryProcess | undefined

  const ours = () => processes.filter(process => process.ours && process.alive)
  const add = (isOurs: boolean): Process => {
    const process = { pid: ++pid, ours: isOurs, alive: true, term: false, killed: false }
    processes.push(process)
    return process
  }
  if (left) recorded = { pid: add(true).pid, startedAt: -1000, adopted: true, target, logFrom: 0 }

  function find(): CheckResult {
    const known = processes.find(process => process.pid === recorded?.pid)
    if (recorded && known?.alive)
      return { kind: 'ours', registry: { ...recorded, adopted: true }, ownsPort: true }
    if (foreigner) return { kind: 'taken', port: 5050, owner: { pid: 9 } }
    if (open) return { kind: 'undecided', undecided: zotStore(0) }
    return { kind: 'free', target }
  }

  function perform(effect: Effect) {
    switch (effect.do) {
      case 'check':
      case 'check-port': {
        const { serial } = effect
        answers.push(() => ({ kind: 'checked', serial, result: find() }))
        return
      }
      case 'spawn': {
        if (ours().length > 0) faults.push('a second process')
        if (open) faults.push('a start that nobody chose')
        const { pid: born } = add(true)
        recorded = { pid: born, startedAt: at, adopted: false, target, logFrom: 0 }
        dispatch({ kind: 'spawned', registry: recorded })
        return
      }
      case 'signal': {
        const target = processes.find(process => process.pid === effect.registry.pid)
        if (!target?.ours) return void faults.push('a signal to somebody else')
        if (effect.signal === 'SIGKILL') target.killed = true
        else target.term = true
        return
      }
      case 'list-uploads': {
        const seen = effect.registry.pid
        answers.push(() => ({ kind: 'uploads-seen', pid: seen, pushes: [] }))
        return
      }
      case 'forget-record':
        recorded = undefined
        return
      case 'journal':
        return
    }
  }

  function dispatch(event: UntimedEvent) {
    const next = step(state, { ...event, at } as Event, policy, drainsItself)
    state = next.state
    if (JSON.stringify(structuredClone(state)) !== JSON.stringify(state)) faults.push('not plain data')
    for (const effect of next.effects) perform(effect)
    const shown = publicState(state, policy)
    if (shown.kind === 'stopped' && ours().length > 0 && shown.why !== 'never-started')
      faults.push(`stopped, and ${ours().length} still run`)
  }

  function die(process: Process | undefined, code = 1) {
    if (!process?.alive) return
    process.alive = false
    const gone = process.pid
    answers.push(() => ({
      kind: 'exited',
      pid: gone,
      exit: { kind: 'code', code },
      lastLines: [],
      jitter: 0.5,
    }))
  }

  const world = {
    faults,
    shown: () => publicState(state, policy),
    stage: () => state.stage,
    ours,
    dispatch,
    later(ms: number) {
      at += ms
    },
    tick() {
      const due = desiredWatches(state, policy).tickAt
      if (due === undefined) return false
      at = Math.max(at, due)
      dispatch({ kind: 'tick' })
      return true
    },
    /** One answer arrives; not necessarily the oldest. */
    answer(index: number) {
      const [answer] = answers.splice(index % Math.max(answers.length, 1), 1)
      const event = answer?.()
      if (event) dispatch(event)
      return answer !== undefined
    },
    ready() {
      const { stage } = { stage: state.stage }
      if (stage.kind === 'starting' && ours().some(process => process.pid === stage.registry.pid))
        dispatch({ kind: 'ready', pid: stage.registry.pid })
    },
    hang() {
      const [process] = ours()
      if (process) dispatch({ kind: 'hung', pid: process.pid, answeredAt: at })
    },
    /** It misses one question, or answers after that. */
    silent(answered: boolean) {
      const [process] = ours()
      if (!process) return
      const { pid } = process
      const silence = answered ? undefined : { since: at, overloaded: false }
      dispatch({ kind: 'silent', pid, silence })
    },
    crash: (code: number) => die(ours()[0], code),
    /** Processes act on the signals they got; `stubborn` ones only on SIGKILL. */
    obey(stubborn: boolean) {
      for (const process of ours()) if (process.killed || (process.term && !stubborn)) die(process, 0)
    },
    foreign(there: boolean) {
      foreigner = there && ours().length === 0
    },
    open(isOpen: boolean) {
      open = isOpen
    },
    loseData() {
      const [process] = ours()
      if (process) dispatch({ kind: 'data-lost', pid: process.pid })
    },
    /** Everything goes well from now on: how it ends. */
    settle() {
      foreigner = false
      open = false
      for (let turn = 0; turn < 500; turn++) {
        if (world.answer(0)) continue
        world.obey(false)
        if (world.answer(0)) continue
        world.ready()
        const kind = world.shown().kind
        if (kind === 'serving' || kind === 'stopped') return kind
        if (!world.tick()) return kind
      }
      return 'never'
    },
  }
  return world
}
