/** More than any key or token has. */
const maxBytes = 64 * 1024

/** What is piped in, whole; undefined where it is more than a secret. */
export async function readPiped(input: NodeJS.ReadStream = process.stdin): Promise<string | undefined> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const piece of input) {
    const bytes = Buffer.from(piece)
    size += bytes.length
    if (size > maxBytes) return undefined
    pieces.push(bytes)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** Asks on a terminal without showing what is typed; undefined when it was broken off. The prompt goes to stderr. */
export function readHidden(
  prompt: string,
  input: NodeJS.ReadStream = process.stdin,
): Promise<string | undefined> {
  process.stderr.write(prompt)
  input.setRawMode(true)
  input.setEncoding('utf8').resume()
  let text = ''
  return new Promise(resolve => {
    const end = (value: string | undefined): void => {
      input.off('data', handleInput)
      input.setRawMode(false)
      input.pause()
      process.stderr.write('\n')
      resolve(value)
    }
    /** Ctrl-C, or Ctrl-D on an empty line, breaks off. */
    const handleInput = (typed: string): void => {
      for (const sign of typed) {
        const broken = sign === '\u0003' || (sign === '\u0004' && text === '')
        if (broken || sign === '\r' || sign === '\n') {
          end(broken ? undefined : text)
          return
        }
        if (sign === '\u007f' || sign === '\b') text = text.slice(0, -1)
        else if (sign >= ' ' && text.length < maxBytes) text += sign
      }
    }
    input.on('data', handleInput)
  })
}

export const hasTerminal = (input: NodeJS.ReadStream = process.stdin): boolean =>
  input.isTTY === true && process.stderr.isTTY === true
