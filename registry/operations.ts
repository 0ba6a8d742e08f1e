import type { Config } from './config/config.ts'
import type { RequestContext } from './http/request-context.ts'
import type { Route } from './http/router.ts'
import type { Logger } from './log/logger.ts'
import { type Audit, openAudit, peerOf } from './log/request-log.ts'
import { countOpen, createOpenUploads, measureUploads } from './metrics/measured-uploads.ts'
import type { AnsweredRequest, Metrics, MetricsOptions } from './metrics/metrics.ts'
import { createStorageUse } from './metrics/storage-use.ts'
import { discoverPath, hasMgmt, mgmtPath } from './routes/service.ts'
import { errorText } from './storage/root.ts'
import type { Storage } from './storage/storage.ts'
import { version } from './version.ts'

/** What an operator sees: figures, audit, and the paths that describe the registry. */
interface Operations {
  /** The same storage, watched. */
  readonly storage: Storage
  /** Undefined: config.json asks for none. */
  readonly metrics: Metrics | undefined
  /** Paths beyond those of the API. */
  readonly paths: ReadonlyMap<string, Route>
  /** Records a request whose answer is complete. */
  answered(context: RequestContext): void
  close(): Promise<void>
  /** For the moment of death. */
  closeNow(): void
}

export type OpenOperations = { ok: true; operations: Operations } | { ok: false; message: string }

export async function openOperations(
  config: Config,
  root: string,
  storage: Storage,
  logger: Pick<Logger, 'dropped'>,
): Promise<OpenOperations> {
  let audit: Audit | undefined
  try {
    if (config.log.audit) audit = openAudit(config.log.audit)
  } catch (error) {
    return { ok: false, message: `log.audit ${config.log.audit}: ${errorText(error)}` }
  }
  const droppedLines = () => ({ log: logger.dropped(), audit: audit?.dropped() ?? 0 })
  const settings = config.extensions?.metrics
  const measured = settings?.enable ? await measure(root, storage, droppedLines) : undefined
  const paths = new Map<string, Route>([[discoverPath, routeTo('discover')]])
  // As in zot, with a slash at the end, too.
  if (hasMgmt(config)) for (const path of [mgmtPath, `${mgmtPath}/`]) paths.set(path, routeTo('mgmt'))
  if (settings?.enable) paths.set(settings.prometheus.path, routeTo('metrics'))

  const answered = (context: RequestContext): void => {
    measured?.answered(context)
    const { req, method, status, identity, hasChanged } = context
    if (!audit || (!hasChanged && (method === 'GET' || method === 'HEAD'))) return
    audit.note({
      method,
      path: req.url ?? '',
      status,
      hasChanged,
      client: peerOf(req.socket),
      user: identity?.user ?? '',
    })
  }
  return {
    ok: true,
    operations: {
      storage: measured?.storage ?? storage,
      metrics: measured?.metrics,
      paths,
      answered,
      close: async () => {
        measured?.stop()
        await audit?.flush()
      },
      closeNow: () => audit?.flushSync(),
    },
  }
}

const routeTo = (kind: 'discover' | 'mgmt' | 'metrics'): Route => ({ kind, name: '', last: '' })

/** The library is loaded only where it is wanted. */
async function measure(root: string, inner: Storage, droppedLines: MetricsOptions['droppedLines']) {
  const { createMetrics } = await import('./metrics/metrics.ts')
  const use = createStorageUse({
    root,
    repositories: async () => {
      const found = await inner.repositories()
      return found.ok ? found.value : []
    },
  })
  const openUploads = createOpenUploads()
  const metrics: Metrics = createMetrics({
    version: `v${version}`,
    commit: `v${version}`,
    binaryType: 'zotbar-registry',
    storageUse: () => use.read(),
    openUploads: () => countOpen(openUploads),
    droppedLines,
  })
  const uploads = measureUploads(inner.uploads, openUploads, seconds => metrics.uploadStored(seconds))
  return {
    metrics: { ...metrics, changed: (repository: string) => use.changed(repository) },
    storage: { ...inner, uploads },
    stop: () => use.stop(),
    answered: (context: RequestContext): void => {
      const { method, status, route, startedAt } = context
      const repository = route.name === '' ? undefined : route.name
      const seconds = (performance.now() - startedAt) / 1000
      metrics.answered({ method, status, repository, moved: movedBy(context), seconds })
      if (repository !== undefined && method !== 'GET' && method !== 'HEAD' && status < 300) {
        use.changed(repository)
      }
    },
  }
}

/** An image counts when its manifest moves, as in zot. */
function movedBy({ method, status, route }: RequestContext): AnsweredRequest['moved'] {
  if (route.kind !== 'manifest') return undefined
  if (method === 'GET' && status === 200) return 'down'
  return method === 'PUT' && status === 201 ? 'up' : undefined
}
