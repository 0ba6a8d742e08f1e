/** A failure as a person reads it: what happened, what it means, what to do. */
export interface FailureMessage {
  title: string
  steps: string[]
}

/** A notice as a person reads it; `needsAttention` is true where there is something to look at or do. */
export interface NoticeMessage {
  title: string
  detail: string
  needsAttention: boolean
}
