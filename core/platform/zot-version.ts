/** "v2.1.15" at the start of a tag, a commit or a version as a user writes it ("2.1.15"); undefined for anything else. */
export function versionOf(text: string | undefined): string | undefined {
  const found = /^v?(\d{1,9}\.\d{1,9}\.\d{1,9})(?![\d.])/.exec(text ?? '')
  return found ? `v${found[1]}` : undefined
}

/** Of the very form of a release: "v2.1.15". */
export const isVersion = (text: string): boolean => /^v\d{1,6}\.\d{1,6}\.\d{1,6}$/.test(text)

/** Below 0 where `a` is the older one, 0 where they are the same. Both are of the form vX.Y.Z. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)]
  for (const [index, part] of left.entries()) {
    const other = right[index] ?? 0
    if (part !== other) return part - other
  }
  return 0
}

const numbersOf = (version: string): number[] =>
  (/^v(\d{1,9})\.(\d{1,9})\.(\d{1,9})$/.exec(version) ?? []).slice(1).map(Number)

/** Whether `version` lies in [from, before); an end that is absent is open. */
export const isWithin = (version: string, from: string | undefined, before: string | undefined): boolean =>
  (from === undefined || compareVersions(version, from) >= 0) &&
  (before === undefined || compareVersions(version, before) < 0)
