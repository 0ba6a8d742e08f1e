import type { Caller } from '../contract/caller.ts'
import { clientOver, type Events, type ZotbarClient } from '../contract/contract.ts'
import type { Failure } from '../contract/failure.ts'
import {
  type ClientHello,
  callerHeader,
  connectionHeader,
  contractNumber,
  type Hello,
  openToAll,
} from '../contract/hello.ts'
import { fail, type Result } from '../contract/result.ts'
import type { ShellCapability } from '../contract/shell.ts'
import type { Snapshot } from '../contract/snapshot.ts'
import type { Clock } from '../lib/clock.ts'
import { createEmitter } from '../lib/emitter.ts'
import { type ControlAddress, controlCall } from './control-call.ts'
import { controlEvents, isLines, isSnapshot } from './control-events.ts'
import { type OnAsk, ShellAsks } from './shell-asks.ts'

/** Whether the core answers. While it is `lost`, it is tried again and again. */
export type ConnectionState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `core-older` and `other-contract`: it answers, with snapshots and logs alone. */
  | { kind: 'lost'; error: Failure }

/** How an app calls: as itself, for one of its pages, or after a native question. */
type AppCaller = Extract<Caller, 'app' | 'page' | 'agreed'>

interface ConnectionEvents extends Events {
  state: ConnectionState
}

export interface CoreConnection {
  state(): ConnectionState
  /** The newest one; also while the core is lost. Undefined before the first. */
  snapshot(): Snapshot | undefined
  /** What the core that is connected says of itself. */
  core(): Hello | undefined
  /** Calls back for every event from now on; `log` is sent only while somebody listens. */
  on<E extends keyof ConnectionEvents>(event: E, listener: (value: ConnectionEvents[E]) => void): () => void
  /** One command. Waits for a connection that is being made, and tries at once to make one that is lost. */
  call(name: string, input: unknown, caller: AppCaller): Promise<Result<unknown>>
  as(caller: AppCaller): ZotbarClient
  /** Whether somebody looks at a window of this app. */
  setLooking(looking: boolean): void
  /** Tries now, not only when the pause is over. */
  retry(): void
  close(): void
}

export interface ConnectionOptions {
  socketPath: string
  home: string
  hello: ClientHello
  offers: readonly ShellCapability[]
  looking: boolean
  clock: Pick<Clock, 'now' | 'setTimer'>
  /** Does what the core asks of this app's screen. */
  onAsk: OnAsk
  /** The core is taken for hanging after this long without a byte of an answer; 6 s. */
  limitMs?: number
  /** The same for the stream, which has a heartbeat every 15 s; 40 s. */
  streamLimitMs?: number
}

const firstPauseMs = 100
const longestPauseMs = 2_000

/** Connects an app to the core of a home, and stays connected: to the next core too, when this one ends. */
export function connectCore(options: ConnectionOptions): CoreConnection {
  return new Connection(options)
}

class Connection implements CoreConnection {
  readonly #options: ConnectionOptions
  readonly #address: ControlAddress
  readonly #events = createEmitter<ConnectionEvents>()
  readonly #asks: ShellAsks
  #state: ConnectionState = { kind: 'connecting' }
  #snapshot: Snapshot | undefined
  #core: Hello | undefined
  #connection: string | undefined
  #looking: boolean
  #pauseMs = firstPauseMs
  #stopTimer = (): void => {}
  /** Set while a stream is open. */
  #stopStream: (() => void) | undefined
  #stopLog: (() => void) | undefined
  #attempt: Promise<void> | undefined
  #isClosed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#looking = options.looking
    const { socketPath, home, hello, limitMs = 6_000 } = options
    this.#address = { socketPath, home, hello, limitMs }
    this.#asks = new ShellAsks(options.onAsk, (name, input) => this.call(name, input, 'app'))
    this.retry()
  }

  state(): ConnectionState {
    return this.#state
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshot
  }

  core(): Hello | undefined {
    return this.#core
  }

  on<E extends keyof ConnectionEvents>(event: E, listener: (value: ConnectionEvents[E]) => void): () => void {
    const end = this.#events.on(event, listener)
    if (event === 'log') this.#followLog()
    return () => {
      end()
      if (event === 'log' && !this.#events.has('log')) this.#leaveLog()
    }
  }

  async call(name: string, input: unknown, caller: AppCaller): Promise<Result<unknown>> {
    if (this.#isClosed) return fail({ code: 'app-not-running', home: this.#options.home })
    if (this.#state.kind !== 'live' && !openToAll.has(name)) {
      await this.#tryNow()
      if (this.#state.kind === 'lost') return fail(this.#state.error)
    }
    return controlCall(this.#address, name, input, {
      ...(caller === 'app' ? {} : { [callerHeader]: caller }),
      ...(this.#connection === undefined ? {} : { [connectionHeader]: this.#connection }),
    })
  }

  as(caller: AppCaller): ZotbarClient {
    return clientOver((name, input) => this.call(name, input, caller))
  }

  setLooking(looking: boolean): void {
    if (this.#looking === looking) return
    this.#looking = looking
    // A stream that is opened later says so by itself.
    if (this.#connection !== undefined) void this.call('shell.looking', { looking }, 'app')
  }

  retry(): void {
    void this.#tryNow()
  }

  close(): void {
    this.#isClosed = true
    this.#stopTimer()
    this.#endStream()
    this.#leaveLog()
    this.#asks.abandon()
  }

  #tryNow(): Promise<void> {
    if (this.#isClosed || this.#state.kind === 'live') return Promise.resolve()
    this.#stopTimer()
    this.#attempt ??= this.#connect().finally(() => {
      this.#attempt = undefined
    })
    return this.#attempt
  }

  /** Resolves once it is live, or lost again. */
  async #connect(): Promise<void> {
    // One that answers, with less than this app needs, is asked again who it is.
    this.#endStream()
    const { offers, streamLimitMs = 40_000 } = this.#options
    const isLooking = this.#looking
    const { promise, resolve } = Promise.withResolvers<void>()
    const opened = await controlEvents(
      { ...this.#address, limitMs: streamLimitMs },
      { offers: offers.join(','), looking: String(isLooking) },
      (event, value) => {
        this.#take(event, value)
        if (event === 'snapshot') resolve()
      },
    )
    if (!opened.ok) return this.#lose(opened.error)
    const { hello, ended, stop } = opened.value
    if (this.#isClosed) return stop()
    this.#stopStream = stop
    this.#core = hello
    void ended.then(error => {
      resolve()
      if (this.#stopStream === stop) this.#lose(error)
    })
    await promise
    if (this.#stopStream !== stop || this.#isClosed) return
    const error = this.#misfit(hello)
    if (error) return this.#shun(error)
    this.#pauseMs = firstPauseMs
    this.#become({ kind: 'live' })
    if (this.#events.has('log')) this.#followLog()
    if (this.#looking !== isLooking) void this.call('shell.looking', { looking: this.#looking }, 'app')
  }

  #endStream(): void {
    const stop = this.#stopStream
    this.#stopStream = undefined
    stop?.()
  }

  #misfit(hello: Hello | undefined): Failure | undefined {
    const pid = this.#snapshot?.app.pid
    if (hello === undefined)
      return { code: 'core-older', home: this.#options.home, ...(pid === undefined ? {} : { pid }) }
    if (hello.contract === contractNumber) return undefined
    const { contract: ours, version } = hello
    return { code: 'other-contract', ours, theirs: contractNumber, version, pid: pid ?? 0 }
  }

  /** What it sends is shown; nothing is asked of it. */
  #shun(error: Failure): void {
    this.#become({ kind: 'lost', error })
    if (this.#events.has('log')) this.#followLog()
  }

  #take(event: string, value: Record<string, unknown>): void {
    if (event === 'snapshot' && isSnapshot(value)) {
      this.#snapshot = value
      this.#events.emit('snapshot', value)
    } else if (event === 'connected' && typeof value['connection'] === 'string') {
      this.#connection = value['connection']
    } else this.#asks.take(event, value)
  }

  #lose(error: Failure): void {
    this.#stopStream = undefined
    this.#connection = undefined
    this.#core = undefined
    this.#asks.abandon()
    this.#leaveLog()
    if (this.#isClosed) return
    this.#stopTimer()
    this.#stopTimer = this.#options.clock.setTimer(this.#options.clock.now() + this.#pauseMs, () =>
      this.retry(),
    )
    this.#pauseMs = Math.min(this.#pauseMs * 2, longestPauseMs)
    // Each failed attempt is emitted: a core that was found meanwhile, and died before it was connected to, is lost too.
    this.#state = { kind: 'lost', error }
    this.#events.emit('state', this.#state)
  }

  #become(state: ConnectionState): void {
    const isSame = JSON.stringify(state) === JSON.stringify(this.#state)
    this.#state = state
    if (!isSame) this.#events.emit('state', state)
  }

  /** A stream of its own, because following the registry's output costs the core reads. */
  #followLog(): void {
    if (this.#stopLog || !this.#stopStream) return
    let isOver = false
    let stop = (): void => {}
    const end = (): void => {
      isOver = true
      stop()
    }
    this.#stopLog = end
    const limitMs = this.#options.streamLimitMs ?? 40_000
    void controlEvents(
      { ...this.#address, limitMs },
      { only: 'log', looking: 'false' },
      (event, { lines }) => {
        if (event === 'log' && !isOver && isLines(lines)) this.#events.emit('log', { lines })
      },
    ).then(opened => {
      if (!opened.ok) return this.#forgetLog(end)
      stop = opened.value.stop
      if (isOver) return stop()
      void opened.value.ended.then(() => this.#forgetLog(end))
    })
  }

  #forgetLog(stream: () => void): void {
    if (this.#stopLog === stream) this.#stopLog = undefined
  }

  #leaveLog(): void {
    this.#stopLog?.()
    this.#stopLog = undefined
  }
}
