import { mkdirSync, statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { isHome } from './home.ts'

/**
 * Lets Node keep compiled code in `home`/cache, which makes every later start faster. Only there: what is found in
 * the cache is run, so it must lie where nobody else can write. Does nothing when `home` was not used yet, is no home, is
 * not ours or is open to others.
 */
export function cacheCompiledCode(home: string): void {
  const folder = statSync(home, { throwIfNoEntry: false })
  if (!folder?.isDirectory() || folder.uid !== process.getuid?.() || (folder.mode & 0o022) !== 0) return
  if (!isHome(home)) return
  // Node makes a folder per version in it, with the umask of the moment.
  const before = process.umask(0o077)
  try {
    const cache = join(home, 'cache')
    mkdirSync(cache, { recursive: true })
    enableCompileCache(join(cache, 'code'))
  } catch {
    // A read-only or full home makes starts slower, nothing else.
  } finally {
    process.umask(before)
  }
}
