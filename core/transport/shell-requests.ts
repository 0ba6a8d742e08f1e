import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import type { ShellAnswer, ShellRequest } from '../../contract/shell.ts'
import type { SignInArrival, SignInCookie } from '../../contract/sign-in.ts'
import { type SerialQueue, serialQueue } from '../../lib/serial-queue.ts'

export interface AskOptions {
  /** Only this connection is asked: what a page asked for is asked at that page's own app. */
  connection?: string | undefined
  /** Aborted when nobody wants the answer any more; its reason says who answered otherwise, or is "". */
  signal?: AbortSignal
  /** What a sign-in turned out to be; `ended` ends the request too. Called for one arrival at a time. */
  arrived?(cookies: readonly SignInCookie[]): Promise<SignInArrival>
}

/** A request that is over: by whom, in words, where somebody answered, and which connections still have it. */
interface Over {
  id: string
  by: string | undefined
  others: readonly string[]
}

interface OpenRequest {
  ask: ShellRequest
  options: AskOptions
  /** The connections that have it and have not given up. */
  asked: Set<string>
  arrivals: SerialQueue
  settle(result: Result<ShellAnswer>): void
}

/** Which answers make sense to what was asked; a sign-in that succeeds ends with its arrival. */
const answersTo: Record<ShellRequest['kind'], readonly ShellAnswer['kind'][]> = {
  open: ['done', 'failed'],
  question: ['agreed', 'failed'],
  'sign-in': ['ended', 'failed'],
}

/** How many requests that are over are remembered, to say who answered them. */
const remembered = 100

const unknownRequest = fail({ code: 'nothing-under-way' })

/** What is asked of connected apps at the moment, by id. The first answer counts. */
export class ShellRequests {
  readonly #open = new Map<string, OpenRequest>()
  /** Who answered, by request, in words; the oldest first. */
  readonly #answered = new Map<string, string>()
  readonly #onOver: (over: Over) => void
  readonly #nameOf: (connection: string) => string

  constructor(deps: { onOver(over: Over): void; nameOf(connection: string): string }) {
    this.#onOver = deps.onOver
    this.#nameOf = deps.nameOf
  }

  /** Resolves with the first answer, or with `shell-gone` when the last one of `asked` has gone. */
  open(id: string, ask: ShellRequest, options: AskOptions, asked: Set<string>): Promise<Result<ShellAnswer>> {
    const { promise, resolve } = Promise.withResolvers<Result<ShellAnswer>>()
    this.#open.set(id, { ask, options, asked, arrivals: serialQueue(), settle: resolve })
    const { signal } = options
    const withdraw = (): void => this.#withdraw(id, String(signal?.reason ?? ''))
    if (signal?.aborted) withdraw()
    else signal?.addEventListener('abort', withdraw, { once: true })
    return promise
  }

  /** What a connection that comes late is asked too. */
  join(connection: string, mayDo: (ask: ShellRequest) => boolean): { id: string; ask: ShellRequest }[] {
    const joined = [...this.#open].filter(
      ([, { ask, options }]) => options.connection === undefined && mayDo(ask),
    )
    return joined.map(([id, { ask, asked }]) => {
      asked.add(connection)
      return { id, ask }
    })
  }

  /** This connection answers nothing any more. */
  leave(connection: string): void {
    for (const id of [...this.#open.keys()]) this.#giveUp(id, connection, fail({ code: 'shell-gone' }))
  }

  answer(id: string, answer: ShellAnswer, connection: string | undefined): Result<null> {
    const request = this.#requestOf(id, connection)
    if (!request.ok) return request
    const allowed = answersTo[request.value.ask.kind]
    if (connection === undefined || !allowed.includes(answer.kind))
      return fail({ code: 'bad-input', field: 'answer', wrong: answer.kind, allowed: allowed.join(', ') })
    // Another app may still do what this one could not.
    if (answer.kind === 'failed') this.#giveUp(id, connection, ok(answer))
    else this.#end(id, ok(answer), connection)
    return ok(null)
  }

  async arrived(
    id: string,
    cookies: readonly SignInCookie[],
    connection: string | undefined,
  ): Promise<Result<SignInArrival>> {
    const first = this.#requestOf(id, connection)
    if (!first.ok) return first
    // Two at once could create two keys.
    return first.value.arrivals.run(async () => {
      const request = this.#requestOf(id, connection)
      if (!request.ok) return request
      const arrival = await request.value.options.arrived?.(cookies)
      if (arrival === undefined) return unknownRequest
      if (arrival.kind === 'ended')
        this.#end(id, arrival.result.ok ? ok({ kind: 'done' }) : arrival.result, connection)
      return ok(arrival)
    })
  }

  #requestOf(id: string, connection: string | undefined): Result<OpenRequest> {
    const by = this.#answered.get(id)
    if (by !== undefined) return fail({ code: 'already-answered', by })
    const request = this.#open.get(id)
    if (!request) return unknownRequest
    const refused: Failure = { code: 'not-authorised', reason: 'wrong-sender' }
    return connection !== undefined && request.asked.has(connection) ? ok(request) : fail(refused)
  }

  /** After what a window has just come to: that may be the very answer. */
  #withdraw(id: string, by: string): void {
    const isAnswered = by !== ''
    void this.#open.get(id)?.arrivals.run(() => {
      if (isAnswered && this.#open.has(id)) this.#remember(id, by)
      const error: Failure = isAnswered ? { code: 'already-answered', by } : { code: 'nothing-under-way' }
      this.#end(id, fail(error), undefined)
    })
  }

  #remember(id: string, by: string): void {
    this.#answered.set(id, by)
    for (const oldest of this.#answered.keys()) {
      if (this.#answered.size <= remembered) break
      this.#answered.delete(oldest)
    }
  }

  #giveUp(id: string, connection: string, result: Result<ShellAnswer>): void {
    const request = this.#open.get(id)
    if (request?.asked.delete(connection) && request.asked.size === 0) this.#end(id, result, undefined)
  }

  #end(id: string, result: Result<ShellAnswer>, winner: string | undefined): void {
    const request = this.#open.get(id)
    if (!request) return
    this.#open.delete(id)
    if (winner !== undefined) this.#remember(id, this.#nameOf(winner))
    const by = this.#answered.get(id)
    this.#onOver({ id, by, others: [...request.asked].filter(other => other !== winner) })
    request.settle(result)
  }
}
