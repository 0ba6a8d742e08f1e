import { statSync } from 'node:fs'
import { inspectZot } from './zot.ts'

/** `inspectZot` that runs a program once only for as long as its file stays the same. What cannot be used is asked anew. */
export function createZotInspector(inspect: typeof inspectZot = inspectZot): typeof inspectZot {
  const known = new Map<string, { stamp: string; answer: ReturnType<typeof inspectZot> }>()
  return async (path, environment) => {
    const stamp = stampOf(path)
    const before = known.get(path)
    if (stamp !== undefined && before?.stamp === stamp) return before.answer
    const answer = inspect(path, environment)
    if (stamp !== undefined && (await answer).usable) known.set(path, { stamp, answer })
    return answer
  }
}

/** Another one for another file at this path, or one that was written to; undefined where there is none. */
export function stampOf(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false })
  return file && `${file.dev} ${file.ino} ${file.size} ${file.mtimeMs} ${file.ctimeMs}`
}
