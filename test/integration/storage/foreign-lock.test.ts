import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockRoot } from '../../../registry/storage/root-lock.ts'

let root: string
let holder: ChildProcess | undefined
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'zotbar-lock-'))
})
afterEach(async () => {
  holder?.kill('SIGKILL')
  await rm(root, { recursive: true, force: true })
})

/** Another process with zot's kind of lock on a file, by util-linux's flock(1). */
async function hold(file: string): Promise<void> {
  holder = spawn('flock', ['--no-fork', file, 'sh', '-c', 'echo held; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  if (holder.stdout) await once(holder.stdout, 'data')
}

describe.skipIf(process.platform !== 'linux')('a data folder that zot has', () => {
  test.each(['meta.db', 'cache.db'])('is refused while %s is locked, and free afterwards', async name => {
    const file = join(root, name)
    writeFileSync(file, 'not ours')
    await hold(file)
    const refused = lockRoot(root)
    expect(refused.ok).toBe(false)
    if (refused.ok) throw new Error('not expected')
    expect(refused.message).toMatch(
      new RegExp(`${root} is in use by another program \\(pid \\d+\\), which has ${name}`),
    )
    holder?.kill('SIGKILL')
    await expect.poll(() => releaseOf(lockRoot(root))).toBe(true)
  })

  test('is free when the files only lie there, or another file is locked', async () => {
    writeFileSync(join(root, 'meta.db'), 'not ours')
    writeFileSync(join(root, 'other.db'), 'not ours')
    await hold(join(root, 'other.db'))
    expect(releaseOf(lockRoot(root))).toBe(true)
  })
})

function releaseOf(locked: ReturnType<typeof lockRoot>): boolean {
  if (locked.ok) locked.release()
  return locked.ok
}
