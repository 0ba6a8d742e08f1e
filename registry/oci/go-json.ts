/**
 * Whether Go's encoding/json reads a manifest into the types of image-spec, as zot, containerd, docker, skopeo and
 * crane do. JSON.parse alone cannot say: it takes 2.0 for 2, and forgets keys that are there twice.
 * https://pkg.go.dev/encoding/json#Unmarshal
 * https://github.com/opencontainers/image-spec/tree/v1.1.1/specs-go/v1
 */

type Shape =
  | { readonly kind: 'string' | 'integer' | 'bytes' }
  /** What only another kind of manifest has. */
  | { readonly kind: 'foreign' }
  /** An object whose keys are free. */
  | { readonly kind: 'strings' }
  | { readonly kind: 'list'; readonly of: Shape }
  | { readonly kind: 'object'; readonly fields: Fields }

/** By the name in the case that Go compares in, and as it is to be written; each with a bit of its own. */
type Fields = ReadonlyMap<string, { readonly name: string; readonly bit: number; readonly shape: Shape }>

const string: Shape = { kind: 'string' }
const integer: Shape = { kind: 'integer' }
const strings: Shape = { kind: 'strings' }
const listOf = (of: Shape): Shape => ({ kind: 'list', of })
function objectOf(shapes: Readonly<Record<string, Shape>>): Shape {
  const fields = Object.entries(shapes).map(([name, shape], at) => ({ name, shape, bit: 1 << at }))
  return {
    kind: 'object',
    fields: new Map(fields.flatMap(field => [field.name, folded(field.name)].map(name => [name, field]))),
  }
}

/** Of other letters than ASCII only these two are the same to Go as one of ASCII. */
function folded(name: string): string {
  return name
    .replace(/ſ/g, 's')
    .replace(/\u212a/g, 'k')
    .replace(/[A-Z]+/g, some => some.toLowerCase())
}

const platform = objectOf({
  architecture: string,
  os: string,
  'os.version': string,
  'os.features': listOf(string),
  variant: string,
  // Of Docker's lists, and of crane's type for both.
  features: listOf(string),
})
const descriptor = objectOf({
  mediaType: string,
  digest: string,
  size: integer,
  urls: listOf(string),
  annotations: strings,
  data: { kind: 'bytes' },
  platform,
  artifactType: string,
})
const common = {
  schemaVersion: integer,
  mediaType: string,
  artifactType: string,
  subject: descriptor,
  annotations: strings,
}
// Where a manifest has what makes it one of another kind, containerd and skopeo refuse it, in any case of its letters.
const foreign: Shape = { kind: 'foreign' }
const shapes = {
  image: objectOf({
    ...common,
    config: descriptor,
    layers: listOf(descriptor),
    manifests: foreign,
    fsLayers: foreign,
  }),
  index: objectOf({
    ...common,
    manifests: listOf(descriptor),
    config: foreign,
    layers: foreign,
    fsLayers: foreign,
  }),
}

const quote = 0x22
const comma = 0x2c
const brace = 0x7b
const closingBrace = 0x7d
const bracket = 0x5b
const closingBracket = 0x5d

const least = -(2n ** 63n)
const most = 2n ** 63n - 1n

/**
 * Why Go cannot read `text`, or reads something else than others do; undefined: it reads the same.
 * @param text JSON of which the syntax is right
 */
export function goProblem(text: string, kind: keyof typeof shapes): string | undefined {
  const reader = new Reader(text)
  reader.value(shapes[kind])
  return reader.problem
}

/** What a quoted string says. */
const textOf = (quoted: string): string =>
  quoted.includes('\\') ? String(JSON.parse(quoted)) : quoted.slice(1, -1)

/** Walks over JSON that is known to be right, and compares it with a shape. */
class Reader {
  problem: string | undefined
  readonly #text: string
  #at = 0
  /** The keys that lead to where it stands. */
  readonly #path: (string | number)[] = []

  constructor(text: string) {
    this.#text = text
  }

  value(shape: Shape): undefined {
    this.#space()
    switch (this.#text.charCodeAt(this.#at)) {
      case brace:
        if (shape.kind === 'object') return this.#object(shape.fields)
        if (shape.kind === 'strings') return this.#strings()
        return this.#wrong('an object', shape)
      case bracket:
        return shape.kind === 'list' ? this.#list(shape.of) : this.#wrong('a list', shape)
      case quote: {
        const from = this.#at
        this.#skipString()
        if (shape.kind === 'bytes') return this.#bytes(this.#text.slice(from, this.#at))
        return shape.kind === 'string' ? undefined : this.#wrong('a text', shape)
      }
      default: {
        const from = this.#at
        this.#skipWord()
        return this.#word(this.#text.slice(from, this.#at), shape)
      }
    }
  }

  #fail(what: string): undefined {
    const [first, ...rest] = this.#path
    const place = rest.map(key =>
      typeof key === 'number' || !/^[\w.-]+$/.test(key) ? `[${JSON.stringify(key)}]` : `.${key}`,
    )
    this.problem ??= `${first ?? 'the manifest'}${place.join('')} ${what}`
  }

  #wrong(found: string, { kind }: Shape): undefined {
    const wanted = {
      string: 'a text',
      integer: 'a whole number',
      bytes: 'a text in base64',
      strings: 'an object of texts',
      list: 'a list',
      object: 'an object',
      foreign: 'absent',
    }
    this.#fail(`is ${found}, and has to be ${wanted[kind]}`)
  }

  #object(fields: Fields): undefined {
    let seen = 0
    this.#members(key => {
      const field = fields.get(key) ?? fields.get(folded(key))
      if (!field) return this.#skip()
      this.#path.push(field.name)
      // Some take the last of two, Go joins them; some see no other case, Go does.
      if ((seen & field.bit) !== 0) this.#fail('is there twice')
      else if (key !== field.name) this.#fail(`is written ${JSON.stringify(key)}`)
      seen |= field.bit
      if (field.shape.kind === 'foreign') this.#fail('is for another kind of manifest')
      this.value(field.shape)
      this.#path.pop()
    })
  }

  #strings(): undefined {
    this.#members(key => {
      this.#path.push(key)
      this.value(string)
      this.#path.pop()
    })
  }

  /** `visit` has to pass over the value. */
  #members(visit: (key: string) => undefined): undefined {
    this.#at++
    while (!this.#ends(closingBrace)) {
      const from = this.#at
      this.#skipString()
      const key = textOf(this.#text.slice(from, this.#at))
      this.#space()
      this.#at++
      visit(key)
      if (this.problem !== undefined) return
    }
  }

  #list(of: Shape): undefined {
    this.#at++
    for (let index = 0; !this.#ends(closingBracket); index++) {
      this.#path.push(index)
      this.value(of)
      this.#path.pop()
      if (this.problem !== undefined) return
    }
  }

  /** Whether the list or object ends here; else a comma is passed over. */
  #ends(end: number): boolean {
    this.#space()
    if (this.#text.charCodeAt(this.#at) === comma) {
      this.#at++
      this.#space()
    }
    if (this.#text.charCodeAt(this.#at) !== end) return false
    this.#at++
    return true
  }

  #bytes(quoted: string): undefined {
    // Go passes over line ends, wherever they are.
    const base64 = textOf(quoted).replace(/[\r\n]/g, '')
    if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) this.#fail('is not base64')
  }

  #word(literal: string, shape: Shape): undefined {
    // To Go null is nothing, whatever is wanted.
    if (literal === 'null') return
    if (literal === 'true' || literal === 'false') return this.#wrong(literal, shape)
    if (shape.kind !== 'integer') return this.#wrong('a number', shape)
    // As written: Go takes neither 2.0 nor 2e0 for a whole number.
    if (!/^-?\d{1,19}$/.test(literal)) return this.#wrong(literal.slice(0, 40), shape)
    if (literal.length < 16) return
    const value = BigInt(literal)
    if (value < least || value > most) this.#fail(`is ${literal}, and has to fit into 64 bits`)
  }

  #space(): undefined {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  /** Over a string, to behind its closing quote. */
  #skipString(): undefined {
    do {
      const end = this.#text.indexOf('"', this.#at + 1)
      this.#at = end < 0 ? this.#text.length : end
    } while (this.#isEscaped())
    this.#at++
  }

  /** Whether an odd number of backslashes stands before here. */
  #isEscaped(): boolean {
    let from = this.#at
    while (this.#text.charCodeAt(from - 1) === 0x5c) from--
    return (this.#at - from) % 2 === 1
  }

  /** Over a number, true, false or null: to the next mark, space or end. */
  #skipWord(): undefined {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (!(code > 0x20) || code === comma || code === closingBrace || code === closingBracket) return
      this.#at++
    }
  }

  /** Over a value that Go does not look at, however deep. */
  #skip(): undefined {
    let depth = 0
    do {
      this.#space()
      const code = this.#text.charCodeAt(this.#at)
      if (code === quote) this.#skipString()
      else if (code === brace || code === bracket) {
        depth++
        this.#at++
      } else if (code === closingBrace || code === closingBracket) {
        depth--
        this.#at++
      } else if (code === comma || code === 0x3a) this.#at++
      else this.#skipWord()
    } while (depth > 0 && this.#at < this.#text.length)
  }
}
