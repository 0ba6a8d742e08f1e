import type { EventLog } from '../events/event-log.ts'
import type { Storage } from '../storage/storage.ts'
import { type AdminParts, type AdminServer, startAdminServer } from './admin-server.ts'

interface People extends Pick<AdminParts, 'originOf' | 'pulls' | 'facts'> {
  apiKeys: AdminParts['keys']
  keyPolicy: AdminParts['policy']
}

interface Log {
  log(level: 'info' | 'warn', message: string, fields?: Record<string, unknown>): void
}

/**
 * Opens the administration where the environment names a socket for it (ZOTBAR_ADMIN_SOCKET). A registry serves
 * without it too: what went wrong is a line in the log.
 */
export async function openAdministration(
  { apiKeys, keyPolicy, originOf, pulls, facts }: People,
  { storage, events }: { storage: Storage; events: EventLog },
  logger: Log,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AdminServer | undefined> {
  const path = environment['ZOTBAR_ADMIN_SOCKET']
  if (!path) return undefined
  const started = await startAdminServer({
    path,
    keys: apiKeys,
    pulls,
    facts,
    policy: keyPolicy,
    originOf,
    events,
    storage,
    now: Date.now,
    audit: (message, fields) => logger.log('info', message, fields),
  })
  if (started.ok) return started.admin
  logger.log('warn', 'there is no administration socket', { error: started.message })
  return undefined
}
