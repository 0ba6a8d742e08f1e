import { fail, type Result } from '../contract/result.ts'
import type { ShellAnswer, ShellRequest } from '../contract/shell.ts'
import type { SignInArrival, SignInCookie } from '../contract/sign-in.ts'
import { isObject } from '../lib/json.ts'

/** One request of the core to this app's screen. */
interface ShellAsk {
  id: string
  request: ShellRequest
  /** Aborted when the answer is not wanted any more; its reason is a text that says who answered, or "" . */
  withdrawn: AbortSignal
  /** Hands over what a sign-in has come to. When it `ended`, no answer is needed. */
  arrived(cookies: readonly SignInCookie[]): Promise<SignInArrival>
}

/** Resolves with the answer; with undefined where none is needed any more. */
export type OnAsk = (ask: ShellAsk) => Promise<ShellAnswer | undefined>

/** What the core asks of this app at the moment. */
export class ShellAsks {
  readonly #onAsk: OnAsk
  readonly #call: (name: string, input: unknown) => Promise<Result<unknown>>
  readonly #open = new Map<string, AbortController>()

  constructor(onAsk: OnAsk, call: (name: string, input: unknown) => Promise<Result<unknown>>) {
    this.#onAsk = onAsk
    this.#call = call
  }

  /** Takes an event of the stream, if it is about requests. */
  take(event: string, { id, ask, by }: Record<string, unknown>): void {
    if (typeof id !== 'string') return
    if (event === 'request' && isRequest(ask)) void this.#begin(id, ask)
    else if (event === 'withdrawn') this.#withdraw(id, typeof by === 'string' ? by : '')
  }

  /** The core has gone: nobody waits for an answer. */
  abandon(): void {
    for (const id of [...this.#open.keys()]) this.#withdraw(id, '')
  }

  #withdraw(id: string, by: string): void {
    const open = this.#open.get(id)
    this.#open.delete(id)
    open?.abort(by)
  }

  async #begin(id: string, request: ShellRequest): Promise<void> {
    const controller = new AbortController()
    this.#open.set(id, controller)
    const ask: ShellAsk = {
      id,
      request,
      withdrawn: controller.signal,
      arrived: cookies => this.#arrived(id, cookies),
    }
    // As an answer that says so: the core may ask another app.
    const answer = await this.#onAsk(ask).catch(
      (error: unknown): ShellAnswer => ({ kind: 'failed', where: String(error).slice(0, 400) }),
    )
    if (this.#open.get(id) !== controller) return
    this.#open.delete(id)
    if (answer !== undefined) await this.#call('shell.answer', { id, answer })
  }

  async #arrived(id: string, cookies: readonly SignInCookie[]): Promise<SignInArrival> {
    const answered = await this.#call('shell.arrived', { id, cookies })
    const arrival: SignInArrival =
      answered.ok && isArrival(answered.value)
        ? answered.value
        : {
            kind: 'ended',
            result: answered.ok ? fail({ code: 'unexpected', where: 'shell.arrived' }) : answered,
          }
    if (arrival.kind === 'ended') this.#open.delete(id)
    return arrival
  }
}

/** The core's own answers over a 0600 socket: the kind is checked, the rest taken as sent. */
const isRequest = (ask: unknown): ask is ShellRequest => isObject(ask) && typeof ask['kind'] === 'string'

const isArrival = (value: unknown): value is SignInArrival =>
  isObject(value) && ['not-yet', 'wrong-user', 'ended'].includes(String(value['kind']))
