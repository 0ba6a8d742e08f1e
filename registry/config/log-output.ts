/** Where a link leads, absolute; undefined for what is no link, or cannot be read. */
export type ReadLink = (path: string) => string | undefined

const names = /^\/(?:dev|proc\/(?:self|thread-self))\/(?:fd\/(\d+)|(stdin|stdout|stderr))$/
const words = ['stdin', 'stdout', 'stderr']

/** A chain of links that is longer leads in a circle. */
const maxLinks = 40

/**
 * The number of the descriptor that a path (absolute, no dots in it) means in whatever process opens it: 1 for
 * `/dev/stdout`, `/proc/self/fd/1` and the like, or for a link that leads to one; undefined for any other path. Such a
 * name is never to be opened by another process, in which it means something else.
 */
export function ownDescriptor(path: string, readLink: ReadLink): number | undefined {
  let current: string | undefined = path
  for (let links = 0; current !== undefined && links < maxLinks; links += 1) {
    const [, number, word] = names.exec(current) ?? []
    if (number !== undefined) return Number(number)
    if (word !== undefined) return words.indexOf(word)
    current = readLink(current)
  }
  return undefined
}

/** Of the descriptors of a registry only these two are there for output. */
export const isStandardOutput = (descriptor: number | undefined): descriptor is 1 | 2 =>
  descriptor === 1 || descriptor === 2
