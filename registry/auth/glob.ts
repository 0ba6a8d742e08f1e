import { type Layout, layOut, slash } from './glob-layout.ts'

/** Several patterns that are matched together. */
export interface GlobSet {
  /** The patterns that match, by their index, in their order. */
  matching(name: string): readonly number[]
}

export const isGlob = (pattern: string): boolean => layOut(pattern) !== undefined

/**
 * Compiles patterns of zot's accessControl into one automaton: `*` and `?` within a path component, `**` as a
 * whole component for any number of them, `[a-z]`, `[^a]`, `{a,b}`, `\` before a character that is meant
 * itself. Undefined: one of them is not a pattern. https://github.com/bmatcuk/doublestar#patterns
 *
 * People write patterns into the scopes of their keys, so a check must cost little however they are made: all
 * positions of all patterns are bits that move together, 32 at a time. RE2 in JavaScript keeps a bound, too,
 * but a hundred milliseconds for a name where the patterns of a key are made to be slow.
 */
export function compileGlobs(patterns: readonly string[]): GlobSet | undefined {
  const layouts: Layout[] = []
  for (const pattern of patterns) {
    const layout = layOut(pattern)
    if (!layout) return undefined
    layouts.push(layout)
  }
  return new Automaton(layouts)
}

/** Characters from here on share one set of positions where no pattern names one. */
const ascii = 128
/** What the remembered states of one automaton may take, in words of 32 bits. */
const maxRemembered = 32_768

/** What may be matched so far, and where each character leads from there. */
interface State {
  readonly bits: Uint32Array
  readonly next: (State | undefined)[]
}

class Automaton implements GlobSet {
  readonly #layouts: readonly Layout[]
  /** Where the positions of each layout begin, in words. */
  readonly #bases: readonly number[]
  readonly #words: number
  readonly #within: Uint32Array
  readonly #anywhere: Uint32Array
  readonly #jumping: Uint32Array
  /** By position: where in `#reaches` stands what is reached from it without a character, or -1. */
  readonly #reachAt: Int32Array
  /** One after the other: the first word, the number of words, the words. */
  readonly #reaches: Uint32Array
  readonly #start: State
  readonly #dead: State
  readonly #isAscii: boolean
  /** The positions that take a character, by its code. */
  readonly #taking: (Uint32Array | undefined)[] = []
  readonly #states = new Map<number, State>()

  constructor(layouts: readonly Layout[]) {
    this.#layouts = layouts
    this.#isAscii = layouts.every(layout => layout.isAscii)
    const bases: number[] = []
    let words = 0
    for (const { takes } of layouts) {
      bases.push(words)
      words += Math.ceil(takes.length / 32)
    }
    this.#bases = bases
    this.#words = words
    this.#within = this.#mark(({ within, anywhere }) => [...within, ...anywhere])
    this.#anywhere = this.#mark(({ anywhere }) => anywhere)
    this.#jumping = this.#mark(({ jumps }) => jumps.keys())
    this.#reachAt = new Int32Array(words * 32).fill(-1)
    const reaches: number[] = []
    for (const [index, layout] of layouts.entries()) {
      const base = bases[index] ?? 0
      for (const [position, bits] of reachesOf(layout)) {
        this.#reachAt[base * 32 + position] = reaches.length
        const first = bits.findIndex(word => word !== 0)
        const last = bits.findLastIndex(word => word !== 0)
        reaches.push(base + first, last - first + 1, ...bits.subarray(first, last + 1))
      }
    }
    this.#reaches = Uint32Array.from(reaches)
    this.#dead = { bits: new Uint32Array(words), next: [] }
    const start = this.#mark(() => [0])
    this.#jump(start)
    this.#start = { bits: start, next: [] }
  }

  matching(name: string): readonly number[] {
    let state = this.#start
    for (let at = 0; at <= name.length; at++) {
      const code = at === name.length ? slash : name.charCodeAt(at)
      const key = code < ascii || !this.#isAscii ? code : ascii
      let next = state.next[key]
      if (!next) {
        next = this.#step(state.bits, key)
        if (key <= ascii) state.next[key] = next
      }
      if (next === this.#dead) return none
      state = next
    }
    const found: number[] = []
    for (const [index, { end }] of this.#layouts.entries()) {
      const word = (this.#bases[index] ?? 0) + (end >>> 5)
      if (((state.bits[word] ?? 0) >>> (end & 31)) & 1) found.push(index)
    }
    return found
  }

  #step(bits: Uint32Array, code: number): State {
    const taking = this.#takingOf(code)
    const staying = code === slash ? this.#anywhere : this.#within
    const next = new Uint32Array(this.#words)
    let carry = 0
    let alive = 0
    for (let word = 0; word < next.length; word++) {
      const here = bits[word] ?? 0
      const moved = here & (taking[word] ?? 0)
      const reached = (moved << 1) | carry | (here & (staying[word] ?? 0))
      carry = moved >>> 31
      next[word] = reached
      alive |= reached
    }
    if (alive === 0) return this.#dead
    this.#jump(next)
    return this.#stateOf(next)
  }

  /** Adds what is reached without a character. What another position has reached already is not asked again. */
  #jump(bits: Uint32Array): void {
    const reaches = this.#reaches
    for (let word = 0; word < bits.length; word++) {
      let open = (bits[word] ?? 0) & (this.#jumping[word] ?? 0)
      while (open !== 0) {
        const low = 31 - Math.clz32(open & -open)
        open &= open - 1
        const at = this.#reachAt[word * 32 + low] ?? 0
        const first = reaches[at] ?? 0
        const count = reaches[at + 1] ?? 0
        for (let index = 0; index < count; index++) {
          const reached = reaches[at + 2 + index] ?? 0
          if (first + index === word) open &= ~reached
          bits[first + index] = (bits[first + index] ?? 0) | reached
        }
      }
    }
  }

  /** The state with these bits, the one that is remembered where there is one. */
  #stateOf(bits: Uint32Array): State {
    let hash = 0
    for (let word = 0; word < bits.length; word++) hash = Math.imul(hash ^ (bits[word] ?? 0), 0x01000193)
    const known = this.#states.get(hash)
    if (known?.bits.every((word, at) => word === bits[at])) return known
    if (this.#states.size * bits.length >= maxRemembered) this.#forget()
    const state = { bits, next: [] }
    this.#states.set(hash, state)
    return state
  }

  #forget(): void {
    for (const { next } of this.#states.values()) next.length = 0
    this.#start.next.length = 0
    this.#states.clear()
  }

  #takingOf(code: number): Uint32Array {
    const known = this.#taking[code]
    if (known) return known
    const taking = this.#mark(({ takes }) => positionsThat(takes, code))
    if (code <= ascii) this.#taking[code] = taking
    return taking
  }

  #mark(positions: (layout: Layout) => Iterable<number>): Uint32Array {
    const bits = new Uint32Array(this.#words)
    for (const [index, layout] of this.#layouts.entries()) {
      const base = (this.#bases[index] ?? 0) * 32
      for (const position of positions(layout)) set(bits, base + position)
    }
    return bits
  }
}

const none: readonly number[] = []

function set(bits: Uint32Array, bit: number): void {
  bits[bit >>> 5] = (bits[bit >>> 5] ?? 0) | (1 << (bit & 31))
}

function* positionsThat(takes: Layout['takes'], code: number): Generator<number> {
  for (let at = 0; at < takes.length; at++) if (takes[at]?.(code)) yield at
}

/** Everything that is reached from a position without a character, over any number of jumps. */
function reachesOf({ jumps, takes }: Layout): Map<number, Uint32Array> {
  const found = new Map<number, Uint32Array>()
  const reach = (from: number): Uint32Array => {
    let bits = found.get(from)
    if (bits) return bits
    bits = new Uint32Array(Math.ceil(takes.length / 32))
    for (const next of jumps.get(from) ?? []) {
      set(bits, next)
      if (!jumps.has(next)) continue
      for (const [at, word] of reach(next).entries()) bits[at] = (bits[at] ?? 0) | word
    }
    found.set(from, bits)
    return bits
  }
  for (const from of jumps.keys()) reach(from)
  return found
}
