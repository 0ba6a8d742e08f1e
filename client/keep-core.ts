import type { Failure } from '../contract/failure.ts'
import { ok, type Result } from '../contract/result.ts'
import { createEmitter } from '../lib/emitter.ts'
import { type Keeper, readKeeper } from '../lib/keeper-file.ts'
import { processExists } from '../lib/process-exists.ts'
import { askToQuit, type FoundCore, findCore, lookAgainMs, untilGone } from './find-core.ts'
import { type FindOrStartOptions, findOrStart, pause } from './find-or-start.ts'
import type { StartedCore } from './start-core.ts'

type KeptState =
  | { kind: 'looking' }
  | { kind: 'starting' }
  | { kind: 'up'; pid: number; keeper: Keeper }
  /** It went without a word, and whoever keeps it, not this app, is to start it again. */
  | { kind: 'left'; keeper: Keeper }
  /** It ended on purpose, and stays so until `ready` is called. */
  | { kind: 'ended' }
  /** The next start is at `until`, ms since the epoch; without it at the next call of `ready`. */
  | { kind: 'failed'; error: Failure; until?: number }

export interface KeptCore {
  state(): KeptState
  onChange(listener: (state: KeptState) => void): () => void
  /** Finds the core of this home or starts one. Resolves once it answers. */
  ready(): Promise<Result<{ pid: number; keeper: Keeper }>>
  /** Its connection was lost: a core that this app keeps is started again, unless it ended on purpose. */
  coreLost(): void
  /**
   * Ends a core that this app keeps, and the registry with it, and resolves when it has ended; with `keepServing`, or
   * where somebody else keeps it, it is left as it is. Nothing is started any more.
   */
  quit(options: { keepServing: boolean }): Promise<Result<{ ended: boolean }>>
  /** Keeps nothing any more, and leaves the core as it is. */
  close(): void
}

/** Pauses before a core that crashes in a row is started again, in ms; the last one repeats. */
const pauses = [0, 1000, 2000, 4000, 8000, 16_000, 30_000]
/** After this long its next end is the first in a row again. */
const healthyAfterMs = 60_000
/** How long a core that is there without answering is waited for before a start is tried all the same. */
const silentLimitMs = 5000

/** Finds, starts and keeps the core of a home for an app. Nothing happens before `ready`. */
export const keepCore = (options: FindOrStartOptions): KeptCore => new CoreKeeper(options)

class CoreKeeper implements KeptCore {
  private readonly options: FindOrStartOptions
  private readonly events = createEmitter<{ state: KeptState }>()
  private shown: KeptState = { kind: 'looking' }
  private closed = false
  private making: Promise<Result<FoundCore>> | undefined
  private recovering: Promise<void> | undefined
  /** The core that was started here, while it runs. */
  private child: StartedCore | undefined
  /** How many starts in a row followed a crash, and since when the newest core is up. */
  private crashes = 0
  private upAt = 0

  constructor(options: FindOrStartOptions) {
    this.options = options
  }

  state(): KeptState {
    return this.shown
  }

  onChange(listener: (state: KeptState) => void): () => void {
    return this.events.on('state', listener)
  }

  ready(): Promise<Result<FoundCore>> {
    this.making ??= this.make().finally(() => {
      this.making = undefined
    })
    return this.making
  }

  coreLost(): void {
    if (this.closed || this.making || this.recovering) return
    // A start that failed is for `ready` to try again.
    if (this.shown.kind === 'failed') return
    this.recovering = this.recover().finally(() => {
      this.recovering = undefined
    })
  }

  async quit({ keepServing }: { keepServing: boolean }): Promise<Result<{ ended: boolean }>> {
    const { home, clock } = this.options
    this.closed = true
    const found = await findCore(home)
    if (keepServing || (found.ok && found.value !== undefined && found.value.keeper !== 'app'))
      return ok({ ended: false })
    if (!found.ok || found.value === undefined) {
      // One that was started a moment ago hears a signal before it hears its socket.
      if (this.child === undefined) return found.ok ? ok({ ended: false }) : found
      process.kill(this.child.pid, 'SIGTERM')
      await this.child.ended
    } else {
      const asked = await askToQuit(home)
      if (!asked.ok) return asked
      await untilGone(found.value.pid, clock)
    }
    this.show({ kind: 'ended' })
    return ok({ ended: true })
  }

  close(): void {
    this.closed = true
  }

  private show(next: KeptState): void {
    const isNew = JSON.stringify(next) !== JSON.stringify(this.shown)
    this.shown = next
    if (isNew) this.events.emit('state', next)
  }

  private showUp({ pid, keeper }: FoundCore): void {
    this.upAt = this.options.clock.now()
    this.show({ kind: 'up', pid, keeper })
  }

  private async make(): Promise<Result<FoundCore>> {
    const made = await findOrStart(this.options, {
      starting: () => this.show({ kind: 'starting' }),
      spawned: core => this.watch(core),
      isClosed: () => this.closed,
    })
    if (this.closed) return made
    if (made.ok) this.showUp(made.value)
    else this.show({ kind: 'failed', error: made.error })
    return made
  }

  private watch(core: StartedCore): void {
    this.child = core
    void core.ended.then(() => {
      if (this.child !== core) return
      this.child = undefined
      this.coreLost()
    })
  }

  private async recover(): Promise<void> {
    const { clock } = this.options
    const found = await this.whyLost()
    if (this.closed) return
    if (found !== 'crashed') {
      if (found.kind === 'answers') this.showUp(found.core)
      else this.show(found)
      return
    }
    if (clock.now() - this.upAt >= healthyAfterMs) this.crashes = 0
    while (!this.closed) {
      const wait = pauses[Math.min(this.crashes, pauses.length - 1)] ?? 0
      this.crashes += 1
      if (this.shown.kind === 'failed') this.show({ ...this.shown, until: clock.now() + wait })
      if (wait > 0) await pause(clock, wait)
      if (this.closed || (await this.ready()).ok) return
    }
  }

  /** What became of the core that went; it may answer after all, or a successor in its place. */
  private async whyLost(): Promise<KeptState | 'crashed' | { kind: 'answers'; core: FoundCore }> {
    const { home, clock } = this.options
    const until = clock.now() + silentLimitMs
    for (;;) {
      const record = readKeeper(home)
      if (record === undefined) return { kind: 'ended' }
      const isThere = processExists(record.pid)
      const found = isThere ? await findCore(home) : undefined
      if (found?.ok && found.value !== undefined) return { kind: 'answers', core: found.value }
      if (record.keeper !== 'app') return { kind: 'left', keeper: record.keeper }
      // A pid that lives may be another program's by now: the lock of the home decides that at the next start.
      if (!isThere || this.closed || clock.now() >= until) return 'crashed'
      await pause(clock, lookAgainMs)
    }
  }
}
