import * as v from 'valibot'
import type { Failure } from '../../contract/failure.ts'
import type { KeyCreated } from '../../contract/key.ts'

/**
 * What passes between a core and its successor over an inherited socket, so that nothing of it is in an argument, in
 * the environment or in a file. The two may be of different builds: unknown fields are ignored, and the contract's
 * number says whether the rest is understood.
 *
 *   successor -> core   loaded    everything is in memory; nothing was touched
 *   core -> successor   go        the sockets are closed, the lock is yours, and here are the secrets
 *   successor -> core   serving   the sockets are open and the registry was adopted
 *   successor -> core   failed    why it will not
 */
const count = v.pipe(v.number(), v.integer(), v.minValue(0))

const loaded = v.object({
  say: v.literal('loaded'),
  build: v.string(),
  version: v.string(),
  contract: count,
  home: count,
})
const failure = v.pipe(
  v.looseObject({ code: v.string() }),
  // Sent by a core: its fields are taken as they are.
  v.transform(error => error as unknown as Failure),
)
const fromSuccessor = v.variant('say', [
  loaded,
  v.object({ say: v.literal('serving') }),
  v.object({ say: v.literal('failed'), error: failure }),
])

const shownKey = v.pipe(
  v.looseObject({ user: v.string(), label: v.string(), expirationDate: v.nullable(v.string()) }),
  // Sent by a core: its other fields are taken as they are.
  v.transform(key => key as Omit<KeyCreated, 'uuid' | 'apiKey' | 'lapsesAt'>),
)

const handedOver = v.object({
  /** The nonce of the lock: whoever knows it may put itself in the place of its holder. */
  lock: v.string(),
  /** Of the encrypted file of secrets. */
  passphrase: v.exactOptional(v.string()),
  /** Keys that were created in a window which has not asked for them yet; `restMs`: how long they still wait. */
  unrevealed: v.array(
    v.object({
      uuid: v.string(),
      apiKey: v.string(),
      restMs: v.number(),
      /** What a page shows of it; absent from earlier cores. */
      shown: v.exactOptional(shownKey),
    }),
  ),
  /** Somebody stopped the registry, and it is to stay so. */
  stopped: v.boolean(),
  /** The port that the dashboard had. */
  dashboardPort: v.exactOptional(count),
})

const go = v.object({ say: v.literal('go'), state: handedOver })

/** Which program is to be run, and with what. All paths are absolute. */
const program = v.object({ node: v.string(), args: v.array(v.string()) })

const exit = v.object({ code: v.nullable(v.number()), signal: v.nullable(v.string()) })

/** What a core asks of the waiter that started it, which is the parent of its successor too. */
const toWaiter = v.variant('say', [
  v.object({ say: v.literal('start'), program }),
  v.object({ say: v.literal('pass'), message: go }),
  v.object({ say: v.literal('kill') }),
  /** The successor serves: the waiter's core is that one from now on. */
  v.object({ say: v.literal('follow') }),
])
/** What the waiter answers. */
const fromWaiter = v.variant('say', [
  v.object({ say: v.literal('started'), pid: v.number() }),
  v.object({ say: v.literal('not-started'), reason: v.string() }),
  v.object({ say: v.literal('heard'), message: v.unknown() }),
  v.object({ say: v.literal('ended'), exit }),
])

export type FromSuccessor = v.InferOutput<typeof fromSuccessor>
export type HandedOver = v.InferOutput<typeof handedOver>
export type Go = v.InferOutput<typeof go>
export type Program = v.InferOutput<typeof program>
/** How a process ended; both are null where nobody knows. */
export type ProcessExit = v.InferOutput<typeof exit>
export type ToWaiter = v.InferOutput<typeof toWaiter>
export type FromWaiter = v.InferOutput<typeof fromWaiter>

export const readFromSuccessor = (message: unknown): FromSuccessor | undefined => read(fromSuccessor, message)
export const readGo = (message: unknown): Go | undefined => read(go, message)
export const readToWaiter = (message: unknown): ToWaiter | undefined => read(toWaiter, message)
export const readFromWaiter = (message: unknown): FromWaiter | undefined => read(fromWaiter, message)

function read<S extends v.GenericSchema>(schema: S, message: unknown): v.InferOutput<S> | undefined {
  const result = v.safeParse(schema, message)
  return result.success ? result.output : undefined
}
