/**
 * The known word that a misspelled one most probably meant, or undefined when none is close.
 * Close: at most a third of the letters differ (two for short words), case aside.
 */
export function nearest(word: string, known: readonly string[]): string | undefined {
  const limit = Math.max(1, Math.min(3, Math.floor(word.length / 3)))
  // A long garbage key cannot be close to anything, and the distance below is quadratic.
  if (word.length > 60) return undefined
  let best: { word: string; distance: number } | undefined
  for (const candidate of known) {
    const apart = distance(word.toLowerCase(), candidate.toLowerCase())
    if (apart <= limit && (best === undefined || apart < best.distance))
      best = { word: candidate, distance: apart }
  }
  return best?.word
}

/** Levenshtein distance, one row at a time; a swap of two neighbours counts as two. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
