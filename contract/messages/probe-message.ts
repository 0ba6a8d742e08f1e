import type { ProbeId } from '../snapshot.ts'

/** What a probe proves when it passes, as its row says it. */
export const probeTitle: Record<ProbeId, string> = {
  port: 'Port answers',
  ready: 'Ready',
  catalog: 'Catalog',
  manifest: 'A pull matches its digest',
}

/** How a probe ended, for screen readers and beside its glyph. */
export const outcomeText = { passed: 'passed', failed: 'failed', skipped: 'not checked' } as const
