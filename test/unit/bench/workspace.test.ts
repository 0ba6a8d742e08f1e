import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createWorkspace, type Workspace } from '../../bench/workspace.ts'

let work: Workspace | undefined
afterEach(() => work?.dispose())

const lives = (pid: number | undefined): boolean => {
  try {
    return pid !== undefined && process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('workspace', () => {
  it('leaves neither folder nor process behind', async () => {
    work = await createWorkspace()
    const cwd = await work.sub('one')
    const child = work.start('sleep', ['60'], { cwd, log: join(cwd, 'log') })
    expect(lives(child.pid)).toBe(true)
    await work.dispose()
    expect(lives(child.pid)).toBe(false)
    expect(existsSync(work.folder)).toBe(false)
  })

  it('kills what ignores the signal', async () => {
    work = await createWorkspace()
    const cwd = await work.sub('deaf')
    const log = join(cwd, 'log')
    const program = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e3); console.log('deaf')"
    const child = work.start(process.execPath, ['-e', program], { cwd, log, stdout: 'pipe' })
    await new Promise(resolve => child.stdout?.once('data', resolve))
    await work.end(child, 'SIGTERM', 20)
    expect(child.signalCode).toBe('SIGKILL')
  })

  it('gives a process none of the environment but what finds programs', async () => {
    work = await createWorkspace()
    const cwd = await work.sub('clean')
    const child = work.start('env', [], { cwd, log: join(cwd, 'log'), stdout: 'pipe' })
    let text = ''
    for await (const part of child.stdout ?? []) text += part
    const names = text
      .trim()
      .split('\n')
      .map(line => line.split('=')[0])
    expect(names.toSorted()).toEqual(['HOME', 'LANG', 'PATH'])
  })
})
