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

/**
 * What a newer core of the same contract may say and this program does not know: a switch that has every case still
 * fails the type check when one is missing.
 */
export function unknownMessage(value: never): FailureMessage {
  const { code, kind }: { code?: unknown; kind?: unknown } = value
  return {
    title: `Zotbar says something that is not known here: ${String(code ?? kind).slice(0, 100)}`,
    steps: ['What runs is newer than this. Use the zotbar that came with it, or quit it and start it again.'],
  }
}
