/** "v2.1.15" at the start of a tag, a commit or a version as a user writes it ("2.1.15"); undefined for anything else. */
export function versionOf(text: string | undefined): string | undefined {
  const found = /^v?(\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])/.exec(text ?? '')
  return found ? `v${found[1]}` : undefined
}

/** Below 0 when `a` is the older one. Both as `versionOf` gives them. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map(version => version.slice(1).split('.').map(Number))
  for (const [index, part] of (left ?? []).entries()) {
    const apart = part - (right?.[index] ?? 0)
    if (apart !== 0) return apart
  }
  return 0
}

/** Whether `version` lies in [from, before); an end that is absent is open. */
export const isWithin = (version: string, from: string | undefined, before: string | undefined): boolean =>
  (from === undefined || compareVersions(version, from) >= 0) &&
  (before === undefined || compareVersions(version, before) < 0)
