/** A failure as a person reads it: what happened, what it means, what to do. */
export interface FailureMessage {
  title: string
  steps: string[]
}
