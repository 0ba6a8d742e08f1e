/** Makes a value for a key once, for the first `max` keys; undefined for all others. */
export function bounded<K, V>(max: number, make: (key: K) => V): (key: K) => V | undefined {
  const made = new Map<K, V>()
  return key => {
    const known = made.get(key)
    if (known !== undefined || made.size >= max) return known
    const value = make(key)
    made.set(key, value)
    return value
  }
}
