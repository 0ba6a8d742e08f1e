/** zot's words for what may be done. The last one is no right but a check on deletion. */
export const actions = ['read', 'create', 'update', 'delete', 'detectManifestCollision'] as const
export type Action = (typeof actions)[number]

/** A set of actions as bits. */
export type ActionSet = number

const bits: Readonly<Record<Action, number>> = {
  read: 1,
  create: 2,
  update: 4,
  delete: 8,
  detectManifestCollision: 16,
}

export const bitOf = (action: Action): number => bits[action]
export const everyRight: ActionSet = bits.read | bits.create | bits.update | bits.delete

const isAction = (word: string): word is Action => Object.hasOwn(bits, word)

/** Unknown words grant nothing. */
export function setOf(words: readonly string[]): ActionSet {
  return words.reduce((set, word) => (isAction(word) ? set | bits[word] : set), 0)
}
