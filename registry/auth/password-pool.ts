import { Worker } from 'node:worker_threads'
import { threadCode } from '../../lib/thread-code.ts'

export type PoolAnswer = 'match' | 'no-match' | 'busy'

/** Checks passwords in threads of their own, so that slow hashes never hold up pulls. */
export interface PasswordPool {
  /** `owner` is whoever causes the work; nobody may fill the queue alone. `busy`: try again later. */
  verify(password: string, hash: string, owner: string): Promise<PoolAnswer>
  /** Threads that exist at the moment. */
  threads(): number
  close(): Promise<void>
}

export interface PoolOptions {
  /** Threads at most; each is started when needed and ends when idle. Their code is read with the pool. */
  readonly threads?: number
  /** Checks that may wait. */
  readonly queue?: number
  readonly perOwner?: number
  /** ms. */
  readonly idleFor?: number
}

interface Job {
  readonly id: number
  readonly password: string
  readonly hash: string
  readonly owner: string
  readonly resolve: (answer: PoolAnswer) => void
}

export function createPasswordPool(options: PoolOptions = {}): PasswordPool {
  const { threads = 2, queue = 64, perOwner = 24, idleFor = 30_000 } = options
  const code = threadCode(import.meta.url, 'password-worker')
  const waiting: Job[] = []
  const owners = new Map<string, number>()
  const workers = new Set<Worker>()
  const free: Worker[] = []
  const running = new Map<Worker, Job>()
  let lastId = 0
  let closed = false
  let idle: NodeJS.Timeout | undefined

  const finish = (job: Job, answer: PoolAnswer): void => {
    const left = (owners.get(job.owner) ?? 1) - 1
    if (left > 0) owners.set(job.owner, left)
    else owners.delete(job.owner)
    job.resolve(answer)
  }

  const restWhenIdle = (): void => {
    clearTimeout(idle)
    idle = setTimeout(() => {
      if (running.size === 0) for (const worker of workers) void worker.terminate()
    }, idleFor)
    idle.unref()
  }

  const start = (): Worker => {
    const worker = new Worker(code)
    worker.unref()
    workers.add(worker)
    worker.on('message', ({ matches }: { matches: boolean }) => {
      const job = running.get(worker)
      running.delete(worker)
      free.push(worker)
      if (job) finish(job, matches ? 'match' : 'no-match')
      pump()
    })
    // A thread that ends or fails takes its check with it: not proven is not matched.
    const gone = (): void => {
      const job = running.get(worker)
      running.delete(worker)
      workers.delete(worker)
      const at = free.indexOf(worker)
      if (at >= 0) free.splice(at, 1)
      if (job) finish(job, 'busy')
      pump()
    }
    worker.on('error', () => {})
    worker.on('exit', gone)
    return worker
  }

  function pump(): void {
    while (waiting.length > 0 && !closed) {
      const worker = free.pop() ?? (workers.size < threads ? start() : undefined)
      if (!worker) return
      const job = waiting.shift()
      if (!job) return
      running.set(worker, job)
      worker.ref()
      worker.postMessage({ id: job.id, password: job.password, hash: job.hash })
    }
    for (const worker of free) worker.unref()
    if (running.size === 0 && workers.size > 0) restWhenIdle()
  }

  return {
    verify: (password, hash, owner) => {
      const own = owners.get(owner) ?? 0
      if (closed || waiting.length >= queue || own >= perOwner) return Promise.resolve('busy')
      owners.set(owner, own + 1)
      return new Promise(resolve => {
        waiting.push({ id: ++lastId, password, hash, owner, resolve })
        pump()
      })
    },
    threads: () => workers.size,
    close: async () => {
      closed = true
      clearTimeout(idle)
      for (const job of waiting.splice(0)) finish(job, 'busy')
      await Promise.all([...workers].map(worker => worker.terminate()))
    },
  }
}
