import { copyFileSync, linkSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type Behaviour, makeZot } from './build-zot.ts'

/** Programs that all tests of a file share, as each is some 150 MB. Nobody may write into one: it has several names. */
export function createPrograms() {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-programs-'))
  const made = new Map<string, string>()
  function get(behaviour: Behaviour, version: string): string {
    const key = `${behaviour}-${version}`
    const path = made.get(key) ?? makeZot(join(folder, key), behaviour, version)
    made.set(key, path)
    return path
  }
  return {
    get,
    /** One more name for it; a copy where that is another volume. */
    place(path: string, behaviour: Behaviour, version: string): string {
      const program = get(behaviour, version)
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
      rmSync(path, { force: true })
      try {
        linkSync(program, path)
      } catch {
        copyFileSync(program, path)
      }
      return path
    },
    end: () => rmSync(folder, { recursive: true, force: true }),
  }
}
export type Programs = ReturnType<typeof createPrograms>
