import type { Failure } from '../contract/failure.ts'
import type { Result } from '../contract/result.ts'

/** One command line for a host. */
export interface HostCommand {
  /** Run by `/bin/sh -c` here, by the login shell of the account on another host. Seen in its process list: no secret. */
  line: string
  /** Given to the command and closed; without it the command reads an empty input. May be a secret: never logged. */
  stdin?: string | Buffer
  /** The longest that it may take, connecting included, in ms. */
  limitMs: number
  /** Ends the command and everything that it started: TERM first, KILL for what stays. */
  signal?: AbortSignal
  /** The working directory; relative to the home folder of the account, which is also the default. `~/` is understood. */
  folder?: string
  /** Its output while it runs, whole lines without their ends. */
  onOutput?(lines: string[], from: 'stdout' | 'stderr'): void
}

/** How a command ended. Output is text, each cut to its last 64 KiB. */
export type CommandResult =
  /** `code` is 128 + N for one that ended by signal N. */
  | { kind: 'ended'; code: number; stdout: string; stderr: string }
  | { kind: 'too-slow' | 'cancelled'; stdout: string; stderr: string }
  /** The connection broke while it ran: whether it finished is not known. */
  | { kind: 'lost'; error: Failure; stdout: string; stderr: string }
  /** Nothing was run: host-unreachable, host-key-unknown, -changed, -revoked, host-denied, host-no-shell, bad-input. */
  | { kind: 'not-started'; error: Failure }

export interface FetchOptions {
  /** A larger file is refused, in bytes. */
  maxBytes: number
  /** The longest that it may take, in ms. */
  limitMs: number
  signal?: AbortSignal
  /** Bytes so far, and of how many. */
  progress?(done: number, total: number): void
}

/** A machine on which commands run: this computer, or another one over SSH. */
export interface Host {
  /** For people: "this computer", or the target as it was written. */
  readonly name: string
  /** Runs a command to its end. Never throws. */
  run(command: HostCommand): Promise<CommandResult>
  /**
   * Copies a file of the host to the new file `to` (0600, synced); `from` as `folder` of a command. What is there
   * already is replaced; nothing is left of a copy that failed. Errors: those of a command that was not started,
   * host-file-unusable, host-lost, host-too-slow, cancelled, file-unusable (the copy).
   */
  fetchFile(from: string, to: string, options: FetchOptions): Promise<Result<null>>
  /** Ends the connection. A later command connects again. */
  close(): Promise<void>
}
