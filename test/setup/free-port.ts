import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Below what Linux (32768) and macOS (49152) hand out by themselves, to outgoing connections too.
const lowest = 20_000
const highest = 31_999
const tries = 200

const folder = join(tmpdir(), `zotbar-test-ports-${process.getuid?.() ?? ''}`)
const claimed: string[] = []
process.once('exit', () => {
  for (const file of claimed) rmSync(file, { force: true })
})

/**
 * A port of 127.0.0.1 that nobody listens on, and that no other test of this user gets while this process lives: a port
 * that was merely free a moment ago can go to anybody, an outgoing connection included, before it is listened on.
 */
export async function freePort(): Promise<number> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (let left = tries; left > 0; left -= 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest + 1))
    if (claim(join(folder, String(port))) && (await isFree(port))) return port
  }
  throw new Error(`no free port between ${lowest} and ${highest} in ${tries} tries`)
}

/** True when the port of this file is now this process's. A claim left by one that was killed goes, for the next try. */
function claim(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' })
  } catch {
    if (isLeft(file)) rmSync(file, { force: true })
    return false
  }
  claimed.push(file)
  return true
}

function isLeft(file: string): boolean {
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0)
    return false
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH'
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
