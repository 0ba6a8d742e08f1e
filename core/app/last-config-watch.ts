import type { LastConfigOffer } from '../../contract/last-config.ts'
import { shortDiff } from '../../contract/messages/last-config-message.ts'
import type { ProcessState } from '../../contract/registry-state.ts'
import type { Engine } from '../platform/engine.ts'
import type { LastConfigStore } from '../registry-config/last-config.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { Common } from './wiring.ts'

interface Options extends Pick<Common, 'clock' | 'onChange'> {
  store: LastConfigStore
  supervisor: Pick<Supervisor, 'state'>
  engine(): Engine
}

/** Keeps the config.json that started, and offers it while the registry does not start with another one. */
export interface LastConfigWatch {
  /** The state, with the config that last started where that is another one now. */
  offeredIn(state: ProcessState): ProcessState
  /** The supervisor's state changed. */
  stateChanged(): void
  close(): void
}

/** How often config.json is compared while one is offered, or could be: somebody may be correcting it. */
const compareEveryMs = 5000

export function createLastConfigWatch({
  clock,
  store,
  supervisor,
  engine,
  onChange,
}: Options): LastConfigWatch {
  let readyPid: number | undefined
  let offer: LastConfigOffer | undefined
  let cancel = (): void => {}
  let closed = false

  async function compare(): Promise<void> {
    cancel()
    const last = isDown(supervisor.state()) ? await store.compare(engine().id) : undefined
    if (closed) return
    const { at, diff, id } = last ?? {}
    const isOther = at !== undefined && diff !== undefined && id !== undefined
    const next = isOther ? { at, diff: shortDiff(diff), id } : undefined
    if (next?.id !== offer?.id || next?.at !== offer?.at) {
      offer = next
      onChange()
    }
    cancel()
    if (isDown(supervisor.state()))
      cancel = clock.setTimer(clock.now() + compareEveryMs, () => void compare(), { unref: true })
  }

  return {
    offeredIn: state => (isDown(state) && offer !== undefined ? { ...state, lastConfig: offer } : state),
    stateChanged() {
      const state = supervisor.state()
      if (state.kind === 'serving' && state.pid !== readyPid) {
        readyPid = state.pid
        const { adopted, startedAt } = state
        void store.ready({ engine: engine().id, adopted, startedAt })
      }
      if (isDown(state) || offer !== undefined) void compare()
    },
    close() {
      closed = true
      cancel()
    },
  }
}

type Down = Extract<ProcessState, { kind: 'failed' | 'backing-off' | 'crash-looping' }>

const isDown = (state: ProcessState): state is Down =>
  state.kind === 'failed' || state.kind === 'backing-off' || state.kind === 'crash-looping'
