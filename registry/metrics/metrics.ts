import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry, Summary } from 'prom-client'

/** Makes a value for a key once, for the first `max` keys; undefined for all others. */
function bounded<K, V>(max: number, make: (key: K) => V): (key: K) => V | undefined {
  const made = new Map<K, V>()
  return key => {
    const known = made.get(key)
    if (known !== undefined || made.size >= max) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}

interface Cell {
  count: number
  sum: number
}

/** So many repositories have a line of their own; the others share one. */
const maxRepositories = 2000
const metricName = 'zot_http_repo_latency_seconds'
/** zot's word for requests about no repository. */
const none = 'N/A'
/** No repository is called so: there is a space in it. */
const others = 'other repositories'

/**
 * Number and sum of the latencies by repository. A summary without quantiles, as in zot, and kept as two
 * numbers: the library would sort every value into a tree.
 */
class RepoLatency extends Summary<'repo'> {
  readonly #cells = new Map<string, Cell>()

  constructor(registers: Registry[]) {
    super({
      name: metricName,
      help: 'Time from the headers of a request to the end of its answer',
      labelNames: ['repo'],
      percentiles: [],
      registers,
    })
  }

  /** Only a request that went well makes a new line: names that do not exist are without number. */
  add(repository: string | undefined, wentWell: boolean, seconds: number): void {
    const name = repository ?? none
    let cell = this.#cells.get(name)
    if (cell === undefined) {
      const key = name === none || (wentWell && this.#cells.size < maxRepositories) ? name : others
      cell = this.#cells.get(key) ?? { count: 0, sum: 0 }
      this.#cells.set(key, cell)
    }
    cell.count++
    cell.sum += seconds
  }

  override async get() {
    const values = []
    for (const [repo, { count, sum }] of this.#cells) {
      values.push({ metricName: `${metricName}_sum`, labels: { repo }, value: sum })
      values.push({ metricName: `${metricName}_count`, labels: { repo }, value: count })
    }
    return { ...(await super.get()), values }
  }
}

/** What an answered request says about itself. */
export interface AnsweredRequest {
  readonly method: string
  readonly status: number
  /** Undefined for requests that are about no repository. */
  readonly repository: string | undefined
  /** Which image was moved as a whole: a manifest stored, or one given out. */
  readonly moved: 'up' | 'down' | undefined
  readonly seconds: number
}

export interface MetricsOptions {
  readonly version: string
  readonly commit: string
  readonly binaryType: string
  /** Bytes by repository, as far as they are known. */
  readonly storageUse: () => Iterable<readonly [string, number]>
  readonly openUploads: () => number
  /** Lines of log and audit for which there was no room. */
  readonly droppedLines: () => { readonly log: number; readonly audit: number }
}

/** The figures of this process, in Prometheus' words and zot's names. Durations in seconds. */
export interface Metrics {
  readonly contentType: string
  text(): Promise<string>
  answered(request: AnsweredRequest): void
  /** A blob was stored; from its first request on. */
  uploadStored(seconds: number): void
  lockWaited(lockType: 'RLock' | 'RWLock', seconds: number): void
  /** Work in the background: call the answer when it ends. */
  taskBegan(name: string): () => void
  taskRegistered(): void
  collected(run: { readonly failed: boolean; readonly seconds: number }): void
  deleted(type: string, count: number): void
}

/** zot's buckets. */
const requestBuckets = [0.05, 0.5, 1, 5, 30, 60, 600]
const lockBuckets = [0.001, 0.01, 0.1, 1, 5, 10, 15, 30, 60]

/**
 * One set of figures. Names and labels are those of zot, so that its dashboards go on working.
 * https://zotregistry.dev/latest/articles/monitoring/
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry()
  const registers = [registry]
  // Memory, processor, open files, and the delays of the event loop.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 })

  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name: `zot_${name}`, help, labelNames, registers })
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge({ name: `zot_${name}`, help, labelNames, registers })
  const histogram = <L extends string>(name: string, help: string, buckets: number[], labelNames: L[] = []) =>
    new Histogram({ name: `zot_${name}`, help, buckets, labelNames, registers })

  const requests = counter('http_requests_total', 'HTTP requests answered', ['method', 'code'])
  const repoLatency = new RepoLatency(registers)
  const methodLatency = histogram(
    'http_method_latency_seconds',
    'Time from the headers of a request to the end of its answer',
    requestBuckets,
    ['method'],
  )
  const uploads = counter('repo_uploads_total', 'Images pushed', ['repo'])
  const downloads = counter('repo_downloads_total', 'Images pulled', ['repo'])
  const info = gauge('info', 'What this is', ['commit', 'binaryType', 'goVersion', 'version'])
  const { commit, binaryType, version } = options
  info.set({ commit, binaryType, goVersion: process.version, version }, 0)

  registerCollected(options, registers)
  const uploadTime = histogram(
    'upload_duration_seconds',
    'Time from the first request of an upload to its blob',
    [0.01, ...requestBuckets],
  )
  const lock = histogram(
    'storage_lock_latency_seconds',
    'Time a change of a repository waited for its turn',
    lockBuckets,
    ['storageName', 'lockType'],
  )
  const generators = counter('scheduler_generators_total', 'Kinds of work in the background', [])
  const workers = gauge('scheduler_workers', 'Workers by state', ['state'])
  const tasks = histogram(
    'scheduler_workers_tasks_duration_seconds',
    'Time a piece of work in the background took',
    requestBuckets,
    ['name'],
  )
  gauge('scheduler_workers_total', 'Pieces of work in the background that may run at a time').set(1)
  workers.set({ state: 'idle' }, 1)
  workers.set({ state: 'working' }, 0)
  const runs = counter('gc_runs_total', 'Garbage collections', ['error'])
  const gcTime = histogram('gc_duration_seconds', 'Time a garbage collection took', requestBuckets)
  const gone = counter('gc_deleted_total', 'What garbage collections deleted', ['type'])

  // Children are bound once: looking labels up costs more than counting.
  const byMethod = bounded(50, (method: string) => ({
    latency: methodLatency.labels(method),
    codes: bounded(100, (status: number) => requests.labels(method, String(status))),
  }))
  const pushed = bounded(maxRepositories, (repo: string) => uploads.labels(repo))
  const pulled = bounded(maxRepositories, (repo: string) => downloads.labels(repo))
  const otherPushed = uploads.labels(others)
  const otherPulled = downloads.labels(others)

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    answered: ({ method, status, repository, moved, seconds }) => {
      const cell = byMethod(method)
      cell?.latency.observe(seconds)
      cell?.codes(status)?.inc()
      repoLatency.add(repository, status < 400, seconds)
      if (repository === undefined || moved === undefined) return
      if (moved === 'up') (pushed(repository) ?? otherPushed).inc()
      else (pulled(repository) ?? otherPulled).inc()
    },
    uploadStored: seconds => uploadTime.observe(seconds),
    lockWaited: (lockType, seconds) => lock.observe({ storageName: 'root', lockType }, seconds),
    taskRegistered: () => generators.inc(),
    taskBegan: name => {
      const startedAt = performance.now()
      workers.set({ state: 'idle' }, 0)
      workers.inc({ state: 'working' })
      return () => {
        tasks.observe({ name }, (performance.now() - startedAt) / 1000)
        workers.dec({ state: 'working' })
        workers.set({ state: 'idle' }, 1)
      }
    },
    collected: ({ failed, seconds }) => {
      runs.inc({ error: String(failed) })
      gcTime.observe(seconds)
    },
    deleted: (type, count) => gone.inc({ type }, count),
  }
}

/** The figures that are looked up when somebody asks for them. */
function registerCollected(options: MetricsOptions, registers: Registry[]): void {
  new Gauge({
    name: 'zot_repo_storage_bytes',
    help: 'Size of the blobs of a repository; blobs shared with others count in each',
    labelNames: ['repo'],
    registers,
    collect() {
      this.reset()
      let left = maxRepositories
      for (const [repo, bytes] of options.storageUse()) if (left-- > 0) this.set({ repo }, bytes)
    },
  })
  new Gauge({
    name: 'zot_uploads_open',
    help: 'Uploads begun and neither finished nor cancelled',
    registers,
    collect() {
      this.set(options.openUploads())
    },
  })
  new Counter({
    name: 'zot_log_dropped_lines_total',
    help: 'Lines of the log and of the audit that could not be written in time',
    labelNames: ['log'],
    registers,
    collect() {
      this.reset()
      for (const [log, lines] of Object.entries(options.droppedLines())) this.inc({ log }, lines)
    },
  })
}
