import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { agentPlist, createLoginAgent, isDisabled } from '../../../main/login-agent.ts'
import { runProgram } from '../../../main/run-program.ts'

const label = 'app.zotbar.login'
let home = ''
let launchctl = ''

/** A launchctl that notes its arguments and plays what files beside it say. */
const script = `#!/bin/sh
here=$(dirname "$0")
echo "$@" >> "$here/calls"
case "$1" in
  print-disabled) cat "$here/disabled" 2>/dev/null; exit 0;;
  enable) rm -f "$here/disabled"; exit 0;;
  bootstrap) [ -e "$here/loaded" ] && { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }; exit 0;;
  kickstart) [ -e "$here/broken" ] && exit 3; exit 0;;
esac
exit 64
`

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'zotbar-agent-'))
  launchctl = join(home, 'bin', 'launchctl')
  await mkdir(join(home, 'bin'))
  await writeFile(launchctl, script)
  await chmod(launchctl, 0o755)
})
afterEach(() => rm(home, { recursive: true, force: true }))

const agent = (program = ['/Applications/Zotbar.app/Contents/MacOS/Zotbar']) =>
  createLoginAgent({
    label,
    userHome: home,
    uid: 501,
    program,
    environment: {},
    run: runProgram(spawn),
    launchctl,
  })
const file = () => join(home, 'Library/LaunchAgents', `${label}.plist`)
const say = (name: string, text = '') => writeFile(join(home, 'bin', name), text)
const calls = async (): Promise<string[]> =>
  (await readFile(join(home, 'bin/calls'), 'utf8').catch(() => '')).trim().split('\n').filter(Boolean)

describe('starting at login', () => {
  it('is off, and nothing is written, until it is asked for', async () => {
    expect(await agent().state()).toEqual({ kind: 'off' })
    expect(await readdir(home)).toEqual(['bin'])
    expect(await calls()).toEqual([])
  })

  it('writes an agent that only the user can change, and removes it again', async () => {
    expect(await agent().enable()).toEqual({ ok: true, state: { kind: 'on' } })
    expect((await stat(file())).mode & 0o777).toBe(0o644)
    expect(await readdir(join(home, 'Library/LaunchAgents'))).toEqual([`${label}.plist`])
    expect(await calls()).toContain(`enable gui/501/${label}`)
    expect(await agent().disable()).toEqual({ ok: true, state: { kind: 'off' } })
    expect(await readdir(join(home, 'Library/LaunchAgents'))).toEqual([])
  })

  it('never ends the running app when it is turned off', async () => {
    await agent().enable()
    await agent().disable()
    expect((await calls()).filter(call => /bootout|kill|unload|remove/.test(call))).toEqual([])
  })

  it('says when macOS has it disabled, and enabling takes that back', async () => {
    await agent().enable()
    await say('disabled', `disabled services = {\n\t"com.other" => enabled\n\t"${label}" => disabled\n}\n`)
    expect(await agent().state()).toEqual({ kind: 'disabled' })
    expect(await agent().enable()).toEqual({ ok: true, state: { kind: 'on' } })
  })

  it('says why it cannot be written', async () => {
    await writeFile(join(home, 'Library'), 'a file where a folder should be')
    expect(await agent().enable()).toMatchObject({ ok: false, reason: expect.stringContaining(file()) })
  })

  it('is told from an agent of nearly the same name', () => {
    expect(isDisabled(`"${label}.other" => disabled`, label)).toBe(false)
    expect(isDisabled(`\t"${label}" => enabled`, label)).toBe(false)
    expect(isDisabled(`\t"${label}" => true`, label)).toBe(true)
  })

  it('survives without a launchctl', async () => {
    await rm(launchctl)
    await mkdir(join(home, 'Library/LaunchAgents'), { recursive: true })
    await writeFile(file(), 'x')
    expect(await agent().state()).toEqual({ kind: 'on' })
    expect(await agent().enable()).toMatchObject({ ok: false })
  })
})

describe('a copy that was opened by hand', () => {
  it('stays where no agent was asked for', async () => {
    expect(await agent().handOver()).toBe(false)
  })

  it('lets launchd start it, loaded or not', async () => {
    await agent().enable()
    expect(await agent().handOver()).toBe(true)
    expect(await calls()).toContain(`bootstrap gui/501 ${file()}`)
    await say('loaded')
    expect(await agent().handOver()).toBe(true)
    expect((await calls()).at(-1)).toBe(`kickstart gui/501/${label}`)
  })

  it('stays where launchd does not start it', async () => {
    await agent().enable()
    await say('loaded')
    await say('broken')
    expect(await agent().handOver()).toBe(false)
  })

  it('stays, and corrects the file, where the app was moved', async () => {
    await agent(['/old/Zotbar']).enable()
    expect(await agent().handOver()).toBe(false)
    expect(await readFile(file(), 'utf8')).toContain('/Applications/Zotbar.app/')
  })
})

describe("the agent's file", () => {
  const plist = (program: string[], environment: Record<string, string> = {}) =>
    agentPlist({ label, program, environment, bundleId: 'app.zotbar.Zotbar' })

  it('starts the app at login, and again after a crash but not after Quit', () => {
    const text = plist(['/Applications/Zotbar.app/Contents/MacOS/Zotbar'])
    expect(text).toContain('<key>RunAtLoad</key><true/>')
    expect(text).toContain('<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>')
    expect(text).toContain('<key>ThrottleInterval</key><integer>10</integer>')
    expect(text).toMatch(/<array>\s*<string>\/Applications.*<\/string>\s*<string>--login-agent<\/string>/)
  })

  it('leaves the registry alone when the app ends', () => {
    expect(plist(['/z'])).toContain('<key>AbandonProcessGroup</key><true/>')
  })

  it('escapes what XML would read', () => {
    const text = plist(['/Users/a&b/<Zot> "bar"'], { ZOTBAR_HOME: '/x&y' })
    expect(text).toContain('<string>/Users/a&amp;b/&lt;Zot&gt; &quot;bar&quot;</string>')
    expect(text).toContain('<key>ZOTBAR_HOME</key><string>/x&amp;y</string>')
    expect(() => plist(['/a\u0001b'])).toThrow('cannot hold')
  })
})
