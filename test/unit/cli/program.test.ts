import { afterEach, describe, expect, it, vi } from 'vitest'
import { runCli } from '../../../cli/program.ts'

afterEach(() => vi.restoreAllMocks())

async function run(...words: string[]) {
  const seen = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    vi.spyOn(process[name], 'write').mockImplementation(text => {
      seen[name] += String(text)
      return true
    })
  const code = await runCli(words, '/nowhere', '/nowhere/socket')
  vi.restoreAllMocks()
  return { code, ...seen }
}

describe('a command line', () => {
  it.each([[['--json']], [['settings', '--json']]])('%j: says that a verb is missing', async words => {
    const { code, stdout, stderr } = await run(...words)
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage', message: 'a verb is missing' } })
  })

  it('leaves --json to the verb of a group', async () => {
    const { code, stdout, stderr } = await run('settings', 'list', '--json')
    expect({ code, stderr }).toEqual({ code: 3, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'app-not-running' } })
    expect((await run('settings', 'lisst')).stderr).toContain('Did you mean list?')
  })

  it('has help as a verb', async () => {
    expect(await run('help')).toMatchObject({ code: 0, stdout: expect.stringContaining('status') })
    expect(await run('help', 'logs')).toMatchObject({ code: 0, stdout: expect.stringContaining('--follow') })
  })

  it('points to the help of the verb that was meant', async () => {
    expect((await run('logs', '--nonsense')).stderr).toContain('See: zotbar logs --help')
    expect((await run('settings', 'get')).stderr).toContain('See: zotbar settings get --help')
    expect((await run('nonsense')).stderr).toContain('See: zotbar --help')
  })

  it('guesses only what is close', async () => {
    expect((await run('statsu')).stderr).toContain('Did you mean status?')
    expect((await run('frob')).stderr).not.toContain('Did you mean')
    expect((await run('xxop')).stderr).not.toContain('Did you mean')
  })
})
