import type { Batch, Unreadable } from './walk.ts'

/** What the scanning thread sends: batches, then one end. */
export type ScanMessage =
  | { kind: 'batch'; batch: Batch }
  | { kind: 'done'; unreadable: Unreadable[] }
  | { kind: 'failed'; reason: string }
