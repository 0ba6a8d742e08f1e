import { randomUUID } from 'node:crypto'
import type { EventSink, PullCount, RegistryEvent } from './event.ts'

export interface EventLogOptions {
  /** ms since the epoch. */
  readonly now?: () => number
  /** Answers how to call it off. */
  readonly timer?: (ms: number, fire: () => void) => () => void
  /** So many events are kept for those who come back. */
  readonly maxEvents?: number
  /** So many characters of them. */
  readonly maxText?: number
}

/** One event as it goes out: a JSON object and a line feed. */
export interface EventLine {
  readonly seq: number
  readonly text: string
}

/** What was missed since `after`, and whether that is all of it. */
export interface Missed {
  readonly lines: readonly EventLine[]
  readonly gap: boolean
}

/** Pulls and progress are reported together after this, ms. */
const togetherMs = 1000
/** Entries of one line: it stays short whatever happens within a second. */
const perLine = 200
/** References within a second that are counted; pulls of more are not reported. */
const maxPulls = 20_000

const nodeTimer = (ms: number, fire: () => void): (() => void) => {
  const timer = setTimeout(fire, ms).unref()
  return () => clearTimeout(timer)
}

/**
 * Everything that happens in this registry, numbered from 1 on. The newest are kept in memory, so that whoever lost
 * the stream for a moment misses nothing; memory is bounded whatever happens.
 */
export class EventLog implements EventSink {
  /** Another one for each process: numbers of another log say nothing about this one. */
  readonly id: string = randomUUID()
  readonly #now: () => number
  readonly #timer: (ms: number, fire: () => void) => () => void
  readonly #maxEvents: number
  readonly #maxText: number
  readonly #listeners = new Set<(line: EventLine) => void>()
  #kept: EventLine[] = []
  /** Where the kept ones begin in the list: taking from its front one by one would move all others. */
  #first = 0
  #text = 0
  #seq = 0
  #pulls = new Map<string, Map<string, number>>()
  #references = 0
  readonly #uploads = new Map<object, { repository: string; bytes: () => number }>()
  #cancel: (() => void) | undefined
  #closed = false

  constructor(options: EventLogOptions = {}) {
    const { now = Date.now, timer = nodeTimer, maxEvents = 2048, maxText = 512 * 1024 } = options
    this.#now = now
    this.#timer = timer
    this.#maxEvents = maxEvents
    this.#maxText = maxText
  }

  /** The number of the newest event; 0: nothing happened yet. */
  get seq(): number {
    return this.#seq
  }

  emit(event: RegistryEvent): void {
    for (const part of splitEvent(event)) this.#add(part)
  }

  #add(event: RegistryEvent): void {
    this.#seq++
    const text = `${JSON.stringify({ seq: this.#seq, at: this.#now(), ...event })}\n`
    const line = { seq: this.#seq, text }
    this.#kept.push(line)
    this.#text += text.length
    while (this.#kept.length - this.#first > this.#maxEvents || this.#text > this.#maxText) {
      this.#text -= this.#kept[this.#first]?.text.length ?? 0
      this.#first++
    }
    if (this.#first > this.#maxEvents) {
      this.#kept = this.#kept.slice(this.#first)
      this.#first = 0
    }
    for (const listener of this.#listeners) listener(line)
  }

  pulled(repository: string, reference: string): void {
    let references = this.#pulls.get(repository)
    if (!references) {
      references = new Map()
      this.#pulls.set(repository, references)
    }
    const count = references.get(reference)
    if (count === undefined) {
      if (this.#references >= maxPulls) return
      this.#references++
    }
    references.set(reference, (count ?? 0) + 1)
    this.#arm()
  }

  uploading(repository: string, bytes: () => number): () => void {
    const key = {}
    this.#uploads.set(key, { repository, bytes })
    this.#arm()
    return () => void this.#uploads.delete(key)
  }

  /** What came after `seq`. `gap`: some of it is no longer kept. */
  after(seq: number): Missed {
    const oldest = this.#kept[this.#first]?.seq ?? this.#seq + 1
    const gap = seq < oldest - 1 || seq > this.#seq
    return { lines: gap ? [] : this.#kept.slice(this.#first + (seq - oldest + 1)), gap }
  }

  /** Calls `listener` with every event from now on; call the answer to end that. */
  listen(listener: (line: EventLine) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  close(): void {
    this.#closed = true
    this.#cancel?.()
    this.#listeners.clear()
  }

  #arm(): void {
    if (this.#closed) return
    this.#cancel ??= this.#timer(togetherMs, () => this.#emitSummaries())
  }

  #emitSummaries(): void {
    this.#cancel = undefined
    const pulls: PullCount[] = []
    for (const [repository, references] of this.#pulls)
      for (const [reference, count] of references) pulls.push({ repository, reference, count })
    this.#pulls = new Map()
    this.#references = 0
    for (let at = 0; at < pulls.length; at += perLine)
      this.emit({ kind: 'pulls', pulls: pulls.slice(at, at + perLine) })
    const sums = new Map<string, { uploads: number; bytes: number }>()
    for (const { repository, bytes } of this.#uploads.values()) {
      const known = sums.get(repository) ?? { uploads: 0, bytes: 0 }
      sums.set(repository, { uploads: known.uploads + 1, bytes: known.bytes + bytes() })
    }
    for (const [repository, sum] of sums) this.emit({ kind: 'uploading', repository, ...sum })
    if (this.#uploads.size > 0) this.#arm()
  }
}

/** A retention rule may take thousands of tags at once. */
function* splitEvent(event: RegistryEvent): Generator<RegistryEvent> {
  if (event.kind !== 'collected' || event.removed.length <= perLine) return yield event
  const { removed, ...rest } = event
  for (let at = 0; at < removed.length; at += perLine) {
    const { blobs, bytes } = at === 0 ? rest : { blobs: 0, bytes: 0 }
    yield { ...rest, blobs, bytes, removed: removed.slice(at, at + perLine) }
  }
}
