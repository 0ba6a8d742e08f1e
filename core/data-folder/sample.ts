/** So many repositories are known again of each folder. */
const most = 20

/**
 * Up to 20 of the repositories that lie in one folder: those of `before` that are still there, then others evenly from
 * all names. `key`: the folder of storage.subPaths, by the first of several name parts; undefined for the root.
 */
export function sampleOf(
  names: readonly string[],
  key: string | undefined,
  subs: Readonly<Record<string, string>>,
  before: readonly string[],
): string[] {
  const own = names.filter(name => folderKey(name, subs) === key).sort()
  const there = new Set(own)
  const chosen = new Set(before.filter(name => there.has(name)).slice(0, most))
  const step = Math.max(1, own.length / most)
  for (let at = 0; at < own.length && chosen.size < most; at += step) chosen.add(own[Math.floor(at)] ?? '')
  for (const name of own) {
    if (chosen.size >= most) break
    chosen.add(name)
  }
  return [...chosen].sort()
}

function folderKey(name: string, subs: Readonly<Record<string, string>>): string | undefined {
  const slash = name.indexOf('/')
  const first = name.slice(0, Math.max(0, slash))
  return slash > 0 && Object.hasOwn(subs, first) ? first : undefined
}
