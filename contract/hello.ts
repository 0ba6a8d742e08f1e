import * as v from 'valibot'

/** Counts up when a client and a core of different numbers could no longer work together. */
export const contractNumber = 1

/** Both ends say who they are in this header, as JSON: a client with every request, the core with every response. */
export const helloHeader = 'x-zotbar-hello'
/** `page` or `agreed`: whom a call of an app's connection comes from. Absent: from the app itself. */
export const callerHeader = 'x-zotbar-caller'
/** The id of the app's connection that a call belongs to. */
export const connectionHeader = 'x-zotbar-connection'

const number = v.pipe(v.number(), v.integer(), v.minValue(0))
const word = v.pipe(v.string(), v.maxLength(100))
const hello = v.object({ contract: number, build: word, version: word, home: number })
const clientHello = v.object({ ...hello.entries, as: v.picklist(['cli', 'app']), pid: number })

/** `build` is a hash of what was built, or "source"; `home` the format of the home that it knows. */
export type Hello = v.InferOutput<typeof hello>
/** What a client says of itself; `pid` is its process. */
export type ClientHello = v.InferOutput<typeof clientHello>

export const helloText = (say: Hello | ClientHello): string => JSON.stringify(say)

/** The core's hello in a header; undefined where it is none. */
export const readHello = (text: unknown): Hello | undefined => read(hello, text)

/** A client's hello in a header; undefined where it is none. */
export const readClientHello = (text: unknown): ClientHello | undefined => read(clientHello, text)

/** What a client of another contract, or of none, is answered all the same. */
export const openToAll: ReadonlySet<string> = new Set(['events', 'hello', 'app.snapshot', 'logs.tail'])

function read<Schema extends v.GenericSchema>(
  schema: Schema,
  text: unknown,
): v.InferOutput<Schema> | undefined {
  if (typeof text !== 'string' || text.length > 1000) return undefined
  try {
    const result = v.safeParse(schema, JSON.parse(text))
    return result.success ? result.output : undefined
  } catch {
    return undefined
  }
}
