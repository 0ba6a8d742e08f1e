import type { RunbookError, RunbookQuestion } from '../../contract/runbook.ts'

export type SinkKind = 'file' | 'authfile' | 'command' | 'ssh' | 'op' | 'forgejo'

/** What is delivered. It never enters an argument, the environment, a log or an error. */
export interface SinkSecret {
  /** Whose key it is: "zot-ci". */
  user: string
  key: string
  /** The registry as its clients call it: "127.0.0.1:5050", "registry.example.org". */
  registryHost: string
}

/**
 * `waitFor`: the sink is locked or signed out, and becomes usable once the user did what the question says. Ask it,
 * then call again; who cannot ask fails with `error`.
 */
export type SinkResult =
  /** `note`: what is not wrong and yet worth saying, one sentence. */
  { ok: true; note?: string } | { ok: false; error: RunbookError; waitFor?: RunbookQuestion }

/** What the sink holds. `cannot-tell`: it accepts and never shows again; `words` says so. */
export type SinkProof =
  /** `words`: what is to be said of it all the same, a sentence without its stop. */
  | { holds: 'this'; words?: string }
  /** `words`: half a sentence on what is there instead: "another key", "nothing". */
  | { holds: 'another'; words: string }
  | { holds: 'cannot-tell'; words: string }
  | { holds: 'unknown'; error: RunbookError; waitFor?: RunbookQuestion }

interface SinkDescription {
  /** "1Password", "File". */
  title: string
  /** Where exactly: "CI/registry/password". */
  place: string
  /** Whether `prove` can compare what is there with the key. */
  provable: boolean
}

/** Where a rotated key is delivered. No method throws for what the target may answer. */
export interface Sink {
  /** The spec as the user wrote it: "file:/run/secrets/registry", "op:CI/registry/password". */
  readonly id: string
  readonly kind: SinkKind
  describe(): SinkDescription
  /** Before a key is made: can it be reached, is it unlocked, may it be written? Changes nothing. */
  reach(signal: AbortSignal): Promise<SinkResult>
  /** Idempotent. What was there before is replaced whole or left as it was. */
  deliver(secret: SinkSecret, signal: AbortSignal): Promise<SinkResult>
  prove(secret: SinkSecret, signal: AbortSignal): Promise<SinkProof>
}
