import * as v from 'valibot'
import type { SignInOffer } from '../../contract/runbook.ts'
import type { Clock } from '../../lib/clock.ts'
import type { StepContext, StepResult } from '../runbook/step.ts'
import type { KeyStore } from '../secrets/key-store.ts'
import type { Sink } from '../sinks/sink.ts'
import type { KeyDesk } from './key-client.ts'
import type { KeyRecords } from './key-record.ts'
import type { Policy } from './policy.ts'
import type { SignInMint } from './sign-in.ts'

/** What a rotation works with. */
export interface RotationParts {
  clock: Clock
  desk: KeyDesk
  store: KeyStore
  records: KeyRecords
  /** A sink by its spec; undefined for one that cannot be understood any more. */
  sink(spec: string): Sink | undefined
  /** Resolves once the registry serves, false when it does not within so many ms. */
  serving(limitMs: number): Promise<boolean>
  pause(ms: number): Promise<void>
  policy(): Policy
  /** The key that somebody pasted for this user, or made by signing in: once. */
  takeOffered(user: string): Offered | undefined
  /** How to sign in for the key that is about to be asked for; undefined where nobody can by browser. */
  signIn(mint: SignInMint): SignInOffer | undefined
  /** The newest requests of a user in the registry's log, newest first, for people. */
  recentUses(user: string): Promise<string[]>
  /** A key waits to be revoked, or does so no more. */
  retiringChanged(): void
}

/** A key that a person brought. `how`: "elsewhere, and pasted". The rest is known of one that was made here. */
export interface Offered {
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
  old: v.object({ ...facts.entries, createdAt: v.string(), scopes: v.array(v.string()) }),
  /** The label of the new key, which no other key has. */
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

export const doneWith = (words: string): StepResult => ({ ok: true, words })
