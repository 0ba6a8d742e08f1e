import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { clientOver, type Events, type ZotbarHandlers } from '../../contract/contract.ts'
import type { Host } from '../../contract/host.ts'
import { ok, type Result } from '../../contract/result.ts'
import type { Snapshot } from '../../contract/snapshot.ts'
import type { Dashboard } from '../../core/dashboard/dashboard.ts'
import { httpApi } from '../../core/transport/http-api.ts'
import { systemClock } from '../../lib/clock.ts'
import { startTestDashboard } from '../fakes/dashboard.ts'

type Answer = Result<Snapshot>

/** The real dashboard server before a stage: what the app says is set by the test, what it is asked is kept. */
export class StagedApp implements Host {
  /** Every command that a page has sent, with its input; asking for the snapshot and for what was done is not kept. */
  readonly asked: [string, unknown][] = []
  readonly handlers: ZotbarHandlers
  /** What the next commands answer; by default they stay open, as a long restart does. */
  answer: (() => Promise<Answer>) | undefined
  /** What a command answers at once, whatever `answer` says. */
  readonly replies = new Map<string, (input: unknown) => Result<unknown>>()
  private current: Snapshot
  private readonly listeners = new Set<(snapshot: Snapshot) => void>()
  private dashboard: Dashboard | undefined
  private readonly home = mkdtempSync(join(tmpdir(), 'zotbar-staged-'))
  private port = 0
  private readonly system = systemClock()
  /** The app's time is so much later than it is. */
  aheadMs = 0

  constructor(first: Snapshot) {
    this.current = first
    this.handlers = clientOver((name, input) => this.hear(name, input))
  }

  private async hear(name: string, input: unknown): Promise<Result<unknown>> {
    if (name === 'app.snapshot') return ok(this.current)
    const reply = this.replies.get(name)
    if (name === 'runbooks.history') return reply ? reply(input) : ok({ runs: [] })
    this.asked.push([name, input])
    if (reply) return reply(input)
    if (name === 'registry.cancel' || name === 'app.open' || name === 'app.quit') return ok(null)
    return this.answer ? this.answer() : new Promise(() => {})
  }

  snapshot(): Snapshot {
    return this.current
  }

  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): () => void {
    if (event !== 'snapshot') return () => {}
    const hear = listener as (snapshot: Snapshot) => void
    this.listeners.add(hear)
    return () => this.listeners.delete(hear)
  }

  /** The app says something new. */
  say(next: Snapshot): void {
    this.current = next
    for (const listener of this.listeners) listener(next)
  }

  /** Starts serving, on the same port as before where there was one. */
  async open(): Promise<void> {
    const folder = process.env['ZOTBAR_TEST_RENDERER'] ?? ''
    this.dashboard = await startTestDashboard({
      home: this.home,
      port: this.port,
      folder,
      api: httpApi(this),
      clock: {
        now: () => Date.now() + this.aheadMs,
        setTimer: (at, fire, options) => this.system.setTimer(at - this.aheadMs, fire, options),
      },
      notify: notice => this.say({ ...this.current, notices: [notice, ...this.current.notices] }),
    })
    this.port = this.dashboard.port()
  }

  /** A fresh link to one of the pages. */
  link(page: 'popover' | 'window'): string {
    const url = new URL(this.dashboard?.createLink() ?? '')
    url.pathname = `/${page}.html`
    return url.href
  }

  /** Stops serving; what is stored stays until `dispose`. */
  async close(): Promise<void> {
    await this.dashboard?.close()
  }

  async dispose(): Promise<void> {
    await this.close()
    rmSync(this.home, { recursive: true, force: true })
  }
}
