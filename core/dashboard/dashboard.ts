import { randomBytes } from 'node:crypto'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { Notice } from '../../contract/snapshot.ts'
import type { Clock } from '../../lib/clock.ts'
import type { SetAside } from '../platform/json-file.ts'
import type { ProcessTable } from '../platform/process-table.ts'
import { createListening, type PortTrouble } from './listening.ts'
import { type Api, createPageServer } from './page-server.ts'
import { sessionFile } from './session-file.ts'
import { openSessions } from './sessions.ts'
import type { StaticFile } from './static-files.ts'

export interface Dashboard {
  /** The port that it listens on, or would. */
  port(): number
  /** "http://127.0.0.1:PORT/": what `status` tells; undefined while there is none. */
  url(): string | undefined
  /** The same with a one-time token in its fragment, which a browser never sends to a server. */
  createLink(): string | undefined
  /** Why there is none: the answer to whoever asks for a link. */
  failure(): Failure
  /** The same as a notice, for as long as there is none; undefined also while that is not known. */
  notice(): Notice | undefined
  /** Ends every session and every unused link. Error: file-unusable, where some would come back after a restart. */
  revokeSessions(): Promise<Result<{ sessions: number }>>
  /** Listens on this port instead, at once. */
  move(port: number): Promise<void>
  close(): Promise<void>
}

interface Options {
  home: string
  /** 0 lets the kernel choose. */
  port: number
  /** window.html, popover.html and assets/, by the path under which each is served. */
  files: Promise<ReadonlyMap<string, StaticFile>>
  api: Api
  clock: Pick<Clock, 'now' | 'setTimer'>
  processes: Pick<ProcessTable, 'portOwner'>
  /** The registry's, free or not: it is never taken from it. */
  registryPort(): number
  notify(notice: Notice): void
  report(setAside: SetAside): void
  log(message: string, data: Record<string, unknown>): void
  /** There is another address, another notice why there is none, or neither. */
  onChange(now: { url?: string; notice?: Notice }): void
}

/**
 * Serves the pages and the contract on 127.0.0.1. Never fails: where another program holds the port there is no
 * dashboard until it is free again, and all sessions end, because that program can read what the pages stored.
 * Resolves after the first attempt.
 */
export async function startDashboard(options: Options): Promise<Dashboard> {
  const { home, api, clock, processes, notify, report, log, onChange } = options
  const file = sessionFile({ home, now: clock.now, report, log })
  const sessions = await openSessions({
    clock,
    randomBytes,
    file,
    onReplay: () => notify({ kind: 'session-replayed', id: `replayed:${clock.now()}`, at: clock.now() }),
    onUnsaved(reason) {
      log('the sessions of the dashboard cannot be written', { file: file.file, reason })
      notify({ kind: 'sessions-unsaved', id: 'sessions-unsaved', at: clock.now(), file: file.file, reason })
    },
  })
  const files = await options.files
  let since = clock.now()
  const listening = createListening({
    clock,
    createServer: () => createPageServer({ files, sessions, api, port: () => listening.port() }),
    endStreams: api.close,
    findHolder: port => processes.portOwner(port, '127.0.0.1'),
    whyLeftFree: port => (port === options.registryPort() ? "it is the registry's own" : undefined),
    onServing: sessions.servedAt,
    async onLost() {
      const { ended, kept } = await sessions.endAll()
      log('the sessions of the dashboard ended with its port', { ended, ...(kept ? { kept } : {}) })
    },
    onChange() {
      since = clock.now()
      const url = urlOf(listening.port())
      const notice = noticeFor(listening.trouble(), since)
      onChange({ ...(url === undefined ? {} : { url }), ...(notice ? { notice } : {}) })
    },
  })
  await listening.move(options.port)
  return {
    port: listening.wanted,
    url: () => urlOf(listening.port()),
    createLink() {
      const address = urlOf(listening.port())
      return address === undefined ? undefined : `${address}#token=${sessions.createToken()}`
    },
    failure: () => failureFor(listening.trouble()),
    notice: () => noticeFor(listening.trouble(), since),
    async revokeSessions() {
      const { ended, kept } = await sessions.endAll()
      return kept === undefined
        ? ok({ sessions: ended })
        : fail({ code: 'file-unusable', path: file.file, reason: kept })
    },
    move: listening.move,
    close: listening.close,
  }
}

const urlOf = (port: number | undefined): string | undefined =>
  port === undefined ? undefined : `http://127.0.0.1:${port}/`

function failureFor(trouble: PortTrouble | undefined): Failure {
  if (trouble === undefined) return { code: 'dashboard-off' }
  const { port } = trouble
  if (trouble.why === 'refused')
    return { code: 'port-refused', what: 'dashboard', port, reason: trouble.reason }
  return { code: 'port-taken', what: 'dashboard', port, ...holderOf(trouble) }
}

function noticeFor(trouble: PortTrouble | undefined, at: number): Notice | undefined {
  if (trouble === undefined) return undefined
  const { port } = trouble
  const id = `no-dashboard:${port}`
  if (trouble.why === 'refused') return { kind: 'no-dashboard', id, at, port, reason: trouble.reason }
  return { kind: 'no-dashboard', id, at, port, ...holderOf(trouble) }
}

const holderOf = ({ holder }: Extract<PortTrouble, { why: 'held' }>) => ({
  ...(holder?.pid === undefined ? {} : { pid: holder.pid }),
  ...(holder?.command === undefined ? {} : { command: holder.command }),
})
