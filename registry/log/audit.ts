import { openLogger } from './logger.ts'
import { secretFree } from './secret-free.ts'

/** A request that may have changed something. */
interface AuditedRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly status: number
  /** Address and port. */
  readonly client: string
  /** Empty: nobody was named. */
  readonly user: string
}

export interface Audit {
  /** Writes a line if the request changed something. */
  note(request: AuditedRequest): void
  /** Lines for which there was no room, since the start. */
  dropped(): number
  flush(): Promise<void>
  flushSync(): void
}

const changing = new Set(['POST', 'PUT', 'PATCH', 'DELETE'])

/** Opens log.audit (0600, appended to; throws when it cannot be): zot's lines about what was changed by whom. */
export function openAudit(file: string): Audit {
  const logger = openLogger('info', file)
  return {
    note: ({ method, path, status, client, user }) => {
      if (!changing.has(method) || status < 200 || status > 299) return
      logger.log('info', 'HTTP API Audit', {
        component: 'session',
        clientIP: client,
        subject: user,
        action: method,
        object: secretFree(path),
        status,
      })
    },
    dropped: logger.dropped,
    flush: () => logger.flush(),
    flushSync: () => logger.flushSync(),
  }
}
