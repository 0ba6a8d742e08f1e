import type { Snapshot } from '../snapshot.ts'
import { count } from './format.ts'

/** Advisories against the version that runs; undefined without one. `title` has no full stop. */
export function advisoryMessage({
  upgrade,
  engine,
}: Pick<Snapshot, 'upgrade' | 'engine'>): { title: string; detail: string } | undefined {
  const advisories = upgrade?.advisories ?? []
  if (advisories.length === 0) return undefined
  const verb = advisories.length === 1 ? 'affects' : 'affect'
  const newest = upgrade?.newest
  const way =
    newest === undefined || newest === engine.version
      ? 'What to do: zotbar upgrade --dry-run.'
      : `${newest} is there; what it would mean: zotbar upgrade --dry-run.`
  return {
    title: `${count(advisories.length, 'advisory', 'advisories')} ${verb} ${engine.version ?? engine.id}`,
    detail: `${advisories.map(({ id }) => id).join(', ')}. ${way}`,
  }
}
