/** Waits until `look` gives something other than undefined or false; fails after `limitMs`. */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 30_000,
): Promise<T> {
  const end = Date.now() + limitMs
  for (;;) {
    const seen = await look()
    if (seen !== undefined && seen !== false) return seen
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${look}`)
    // Between two looks at something real, which nothing tells of.
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
