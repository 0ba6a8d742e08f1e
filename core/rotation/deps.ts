import * as v from 'valibot'
import type { SignInOffer } from '../../contract/runbook.ts'
import type { Clock } from '../../lib/clock.ts'
import type { StepContext, StepResult } from '../runbook/step.ts'
import type { KeyStore } from '../secrets/key-store.ts'
import type { Sink } from '../sinks/sink.ts'
import type { CreateKeyRequest, KeyClient } from './key-client.ts'
import type { KeyRecords } from './key-record.ts'
import type { Policy } from './policy.ts'

/** What a rotation works with. */
export interface RotationDeps {
  clock: Clock
  client: KeyClient
  store: KeyStore
  records: KeyRecords
  /** A sink by its spec; undefined where the spec is not understood any more. */
  sink(spec: string): Sink | undefined
  /** Resolves to true once the registry serves, to false after `limitMs`. */
  untilServing(limitMs: number): Promise<boolean>
  pause(ms: number): Promise<void>
  policy(): Policy
  /** The key that a person pasted for this user, or created by signing in; it is handed out once. */
  takeGivenKey(user: string): GivenKey | undefined
  /** How to sign in for the key that is asked for next; undefined where nobody can by browser. `agent`: this run's. */
  signIn(request: CreateKeyRequest, agent?: string): SignInOffer | undefined
  /** The lines of the registry's log, oldest first, as far back as it goes within reason. */
  requestLog(): Promise<string[]>
  /** The list of keys that wait to be revoked changed. */
  onRetiringChange(): void
}

/** A key from a person. `how`: "elsewhere, and pasted". The optional facts are known where it was created here. */
export interface GivenKey {
  secret: string
  how: string
  uuid?: string
  createdAt?: string
  expirationDate?: string | null
}

const facts = v.object({ uuid: v.string(), label: v.string(), expirationDate: v.nullable(v.string()) })

/** What the journal of a rotation remembers. No secret in it. */
export const rotateMemory = v.object({
  registry: v.string(),
  user: v.string(),
  old: v.object({
    ...facts.entries,
    createdAt: v.string(),
    scopes: v.array(v.string()),
    mintedBy: v.exactOptional(v.string()),
  }),
  /** The label of the new key; no other key has it. */
  label: v.string(),
  days: v.number(),
  overlapMs: v.number(),
  leaked: v.boolean(),
  yes: v.boolean(),
  /** Whether the key in use could still be used when the run began. */
  oldWorks: v.exactOptional(v.boolean()),
  minted: v.exactOptional(v.object({ ...facts.entries, createdAt: v.string(), how: v.string() })),
  switchedAt: v.exactOptional(v.string()),
  retireAt: v.exactOptional(v.string()),
  /** When a leaked key was used last, as far as the registry knows. */
  lastUsed: v.exactOptional(v.nullable(v.string())),
  /** The user agent of this run's own requests, by which the report after a leak leaves them out. Nobody can guess it. */
  agent: v.exactOptional(v.string()),
  /** The keys that were found after a leak. */
  found: v.exactOptional(
    v.array(
      v.object({
        uuid: v.string(),
        label: v.string(),
        createdAt: v.string(),
        mintedBy: v.exactOptional(v.string()),
        isRevoked: v.boolean(),
      }),
    ),
  ),
})
export type RotateMemory = v.InferOutput<typeof rotateMemory>

/** What the journal of a revocation remembers. */
export const retireMemory = v.object({
  registry: v.string(),
  user: v.string(),
  old: v.object({ uuid: v.string(), label: v.string() }),
})
export type RetireMemory = v.InferOutput<typeof retireMemory>

export type RotateContext = StepContext<RotateMemory>

export const doneWith = (message: string): StepResult => ({ ok: true, words: message })
