import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { failureMessage } from '../../../contract/messages/failure-message.ts'
import type { CommandResult, Host } from '../../../ssh/host.ts'
import { type SshHostOptions, sshHost } from '../../../ssh/ssh-host.ts'
import { eventually } from '../../fakes/eventually.ts'
import { fingerprintOf, makeKey, type Sshd, startSshd } from '../../fakes/sshd.ts'
import { describeWith } from '../../setup/need.ts'

const limitMs = 60_000
const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

async function sshd(settings: string[] = []): Promise<Sshd> {
  const started = await startSshd(settings)
  opened.push(started.stop)
  return started
}

function hostOf(server: Sshd, options: Partial<SshHostOptions> & { target?: string } = {}): Host {
  const { target = server.target, ...rest } = options
  const host = sshHost(target, {
    home: server.home,
    zotbarHome: join(server.folder, 'zotbar'),
    environment: { USER: 'nobody-here' },
    ...rest,
  })
  opened.push(host.close)
  return host
}

/** Whether a process is there and no zombie. */
function runs(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)])
  const state = stdout.toString().trim()
  return state !== '' && !state.startsWith('Z')
}

function failureOf(ran: CommandResult) {
  if (ran.kind !== 'not-started' && ran.kind !== 'lost') throw new Error(`it was ${JSON.stringify(ran)}`)
  return { ...ran.error, words: failureMessage(ran.error).steps.join('\n') }
}

describeWith(['sshd'], 'a command on another host', () => {
  it('runs in the login shell, with its input, in its folder, and answers output and exit code', async () => {
    const server = await sshd()
    const host = hostOf(server)
    const lines: string[] = []
    const ran = await host.run({
      line: 'pwd; cat; echo "to stderr" >&2; exit 7',
      stdin: 'secret-on-stdin',
      folder: server.folder,
      limitMs,
      onOutput: (some, from) => lines.push(...some.map(line => `${from}: ${line}`)),
    })
    expect(ran).toEqual({
      kind: 'ended',
      code: 7,
      stdout: `${server.folder}\nsecret-on-stdin`,
      stderr: 'to stderr\n',
    })
    expect(lines.sort()).toEqual(['stderr: to stderr', `stdout: ${server.folder}`, 'stdout: secret-on-stdin'])
    expect(await host.run({ line: 'kill -9 $$', limitMs })).toMatchObject({ kind: 'ended', code: 137 })
    expect(await host.run({ line: 'true', folder: '/no/such folder', limitMs })).toMatchObject({ code: 1 })
  })

  it('keeps the last 64 KiB of much output, and gives much input', async () => {
    const host = hostOf(await sshd())
    const ran = await host.run({ line: 'cat; echo; echo end', stdin: Buffer.alloc(3_000_000, 'x'), limitMs })
    expect(ran.kind).toBe('ended')
    const stdout = ran.kind === 'ended' ? ran.stdout : ''
    expect(stdout.length).toBe(64 * 1024)
    expect(stdout.endsWith('x\nend\n')).toBe(true)
  })

  it('does not wait for what a command left running', async () => {
    const host = hostOf(await sshd())
    const ran = await host.run({ line: 'sleep 50 & echo $!', limitMs })
    expect(ran).toMatchObject({ kind: 'ended', code: 0 })
    if (ran.kind === 'ended') process.kill(Number(ran.stdout))
  })

  it.each(['too-slow', 'cancelled'] as const)('ends all that a command started when it is %s', async how => {
    const server = await sshd()
    const host = hostOf(server, { graceMs: 300 })
    const cancel = new AbortController()
    let pids: number[] = []
    const ran = await host.run({
      // One that ends when told, one that does not, and one whose output goes elsewhere.
      line: `sleep 300 & (trap '' TERM; sleep 300) & sh -c 'trap "" TERM; sleep 300' >/dev/null 2>&1 </dev/null & echo $$; jobs -p; echo begun; wait`,
      limitMs: how === 'too-slow' ? 4000 : limitMs,
      signal: cancel.signal,
      onOutput: lines => {
        pids = [...pids, ...lines.filter(line => /^\d+$/.test(line)).map(Number)]
        if (how === 'cancelled' && lines.includes('begun')) cancel.abort()
      },
    })
    expect(ran).toMatchObject({ kind: how, stdout: expect.stringContaining('begun') })
    expect(pids.length).toBeGreaterThanOrEqual(4)
    await eventually(() => pids.every(pid => !runs(pid)))
  })

  it('tells a connection that broke from a command that failed, and connects again', async () => {
    const server = await sshd()
    const host = hostOf(server)
    const ran = await host.run({
      line: 'echo begun; sleep 20',
      limitMs,
      onOutput: () => server.cut(),
    })
    expect(failureOf(ran)).toMatchObject({ code: 'host-lost', host: server.target })
    expect(await host.run({ line: 'echo again', limitMs })).toMatchObject({ code: 0, stdout: 'again\n' })
  })

  it('runs several commands at once on one connection', async () => {
    const host = hostOf(await sshd())
    const all = await Promise.all(
      ['one', 'two', 'three'].map(word => host.run({ line: `sleep 0.1; echo ${word}`, limitMs })),
    )
    expect(all.map(ran => ran.kind === 'ended' && ran.stdout)).toEqual(['one\n', 'two\n', 'three\n'])
  })
})

describeWith(['sshd'], 'the key of a host', () => {
  it('is refused when unknown, before any key of the user is offered', async () => {
    const server = await sshd(['LogLevel DEBUG'])
    writeFileSync(server.knownHosts, '# nothing\n')
    const failure = failureOf(await hostOf(server).run({ line: 'touch /tmp/never', limitMs }))
    expect(failure).toMatchObject({
      code: 'host-key-unknown',
      host: `[127.0.0.1]:${server.port}`,
      presented: server.fingerprint,
    })
    expect(failure.words).toContain(server.fingerprint)
    expect(failure.words).toContain(`ssh -p ${server.port}`)
    expect(failure.words).toContain(server.knownHosts)
    await eventually(() => /Killing privsep child|isconnect|Connection closed/.test(server.log()))
    expect(server.log()).not.toContain('userauth')
  })

  it('is refused when changed, with both fingerprints', async () => {
    const server = await sshd()
    const before = server.fingerprint
    const host = hostOf(server)
    expect(await host.run({ line: 'true', limitMs })).toMatchObject({ code: 0 })
    await host.close()
    await server.changeHostKey()
    const failure = failureOf(await host.run({ line: 'true', limitMs }))
    expect(server.fingerprint).not.toBe(before)
    expect(failure).toMatchObject({
      code: 'host-key-changed',
      presented: server.fingerprint,
      known: [{ fingerprint: before, file: server.knownHosts, line: 1 }],
    })
    expect(failure.words).toContain(before)
    expect(failure.words).toContain(server.fingerprint)
  })

  it('is known by a hashed line, and by the known_hosts of the app', async () => {
    const server = await sshd()
    spawnSync('ssh-keygen', ['-q', '-H', '-f', server.knownHosts])
    const hashed = readFileSync(server.knownHosts, 'utf8')
    expect(hashed).toMatch(/^\|1\|/)
    expect(await hostOf(server).run({ line: 'true', limitMs })).toMatchObject({ code: 0 })
    writeFileSync(server.knownHosts, '')
    writeFileSync(join(server.folder, 'known_hosts'), hashed)
    expect(await hostOf(server, { zotbarHome: server.folder }).run({ line: 'true', limitMs })).toMatchObject({
      code: 0,
    })
  })

  it('is refused when revoked, also where another line knows it', async () => {
    const server = await sshd()
    appendFileSync(server.knownHosts, `@revoked * ${server.knownLine.split(' ').slice(1).join(' ')}`)
    const failure = failureOf(await hostOf(server).run({ line: 'true', limitMs }))
    expect(failure).toMatchObject({ code: 'host-key-revoked', presented: server.fingerprint, line: 2 })
  })

  it('is asked for in the kind that is known, of a host that has several', async () => {
    const server = await sshd([])
    const rsa = join(server.folder, 'host-rsa')
    makeKey(rsa, '', 'rsa')
    const other = await sshd([`HostKey ${rsa}`])
    const [type, key] = readFileSync(`${rsa}.pub`, 'utf8').split(' ')
    writeFileSync(other.knownHosts, `[127.0.0.1]:${other.port} ${type} ${key}\n`)
    expect(await hostOf(other).run({ line: 'true', limitMs })).toMatchObject({ code: 0 })
  })
})

describeWith(['sshd'], 'signing in', () => {
  it('says what was tried and what was left out when the host refuses', async () => {
    const server = await sshd()
    writeFileSync(server.authorizedKeys, '')
    makeKey(join(server.home, '.ssh', 'id_rsa'), 'a passphrase', 'rsa')
    const failure = failureOf(await hostOf(server).run({ line: 'true', limitMs }))
    expect(failure).toMatchObject({
      code: 'host-denied',
      tried: ['id_ed25519'],
      skipped: ['id_rsa: it has a passphrase and is not in the ssh-agent'],
    })
  })

  it('uses the agent, also for a key with a passphrase', async () => {
    const server = await sshd()
    const socket = join(server.folder, 'agent.sock')
    const agent = spawnSync('ssh-agent', ['-s', '-a', socket]).stdout.toString()
    const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(agent)?.[1])
    opened.push(async () => void process.kill(pid))
    const key = join(server.folder, 'agent-key')
    makeKey(key)
    spawnSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } })
    writeFileSync(server.authorizedKeys, readFileSync(`${key}.pub`))
    const { USER } = { USER: 'nobody-here' }
    const host = hostOf(server, { environment: { USER, SSH_AUTH_SOCK: socket } })
    expect(await host.run({ line: 'true', limitMs })).toMatchObject({ code: 0 })
  })

  it('goes on with the key files when the agent does not answer', async () => {
    const server = await sshd()
    const host = hostOf(server, { environment: { SSH_AUTH_SOCK: join(server.folder, 'no-such.sock') } })
    expect(await host.run({ line: 'true', limitMs })).toMatchObject({ code: 0 })
  })

  it('honours HostName, Port, User and IdentityFile of ~/.ssh/config', async () => {
    const server = await sshd()
    const key = join(server.home, '.ssh', 'special key')
    makeKey(key)
    writeFileSync(server.authorizedKeys, readFileSync(`${key}.pub`))
    const [user] = server.target.split('@')
    writeFileSync(
      join(server.home, '.ssh', 'config'),
      `Host bu*\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${user}\n  IdentityFile "~/.ssh/special key"\nMatch exec "touch ${server.folder}/executed"\n  User other\n`,
    )
    expect(await hostOf(server, { target: 'build' }).run({ line: 'true', limitMs })).toMatchObject({
      code: 0,
    })
    expect(existsSync(join(server.folder, 'executed'))).toBe(false)
  })

  it('says that a host cannot be reached, and why', async () => {
    const server = await sshd()
    const nobody = sshHost('127.0.0.1:1', { home: server.home, zotbarHome: server.folder })
    expect(failureOf(await nobody.run({ line: 'true', limitMs }))).toMatchObject({
      code: 'host-unreachable',
      reason: 'nothing listens at its port 1',
    })
    const nameless = sshHost('no-such-host.invalid', { home: server.home, zotbarHome: server.folder })
    expect(failureOf(await nameless.run({ line: 'true', limitMs }))).toMatchObject({
      code: 'host-unreachable',
    })
    const wrong = sshHost('not a host', { home: server.home, zotbarHome: server.folder })
    expect(failureOf(await wrong.run({ line: 'true', limitMs }))).toMatchObject({ code: 'bad-input' })
  })
})

describeWith(['sshd'], 'a file of another host', () => {
  it('is copied whole, private, with its progress', async () => {
    const server = await sshd()
    const from = join(server.folder, 'from it')
    const to = join(server.folder, 'to')
    writeFileSync(from, Buffer.alloc(5_000_001, 'abcdefg'))
    const seen: number[] = []
    const fetched = await hostOf(server).fetchFile(from, to, {
      maxBytes: 10_000_000,
      limitMs,
      progress: done => seen.push(done),
    })
    expect(fetched).toEqual({ ok: true, value: null })
    const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex')
    expect(hash(to)).toBe(hash(from))
    expect(statSync(to).mode & 0o777).toBe(0o600)
    expect(seen.at(-1)).toBe(5_000_001)
  })

  it('is refused when it is too large, no file, or not there, and leaves nothing behind', async () => {
    const server = await sshd()
    const host = hostOf(server)
    const to = join(server.folder, 'to')
    writeFileSync(join(server.folder, 'large'), Buffer.alloc(2000))
    const reasons = []
    for (const from of ['large', 'home', 'absent']) {
      const fetched = await host.fetchFile(join(server.folder, from), to, { maxBytes: 1000, limitMs })
      reasons.push(fetched.ok ? '' : fetched.error.code === 'host-file-unusable' && fetched.error.reason)
    }
    expect(reasons).toEqual([
      'it has 2000 bytes, and at most 1000 are taken',
      'it is not a file',
      'it does not exist',
    ])
    expect(readdirSync(server.folder).filter(name => name.startsWith('to'))).toEqual([])
  })

  it('is not half there when the connection breaks or it is cancelled', async () => {
    const server = await sshd()
    const host = hostOf(server)
    const from = join(server.folder, 'from')
    const to = join(server.folder, 'to')
    writeFileSync(from, Buffer.alloc(60_000_000))
    const broken = await host.fetchFile(from, to, {
      maxBytes: 1e9,
      limitMs,
      progress: done => done > 0 && server.cut(),
    })
    expect(broken).toMatchObject({ ok: false, error: { code: 'host-lost' } })
    const cancel = new AbortController()
    const cancelled = await host.fetchFile(from, to, {
      maxBytes: 1e9,
      limitMs,
      signal: cancel.signal,
      progress: () => cancel.abort(),
    })
    expect(cancelled).toEqual({ ok: false, error: { code: 'cancelled' } })
    expect(readdirSync(server.folder).filter(name => name.startsWith('to'))).toEqual([])
    expect(fingerprintOf(join(server.home, '.ssh', 'id_ed25519.pub'))).toMatch(/SHA256:/)
  })
})
