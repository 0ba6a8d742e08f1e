import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Host } from '../../../ssh/host.ts'
import { sshHost } from '../../../ssh/ssh-host.ts'
import { startSshd } from '../../fakes/sshd.ts'
import { describeWith } from '../../setup/need.ts'
import { made, never, secret, sinkDepsOf, temporaryFolder } from './sink-deps.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.dispose())

const target = () => join(folder.path, 'taken')

describe('a command here', () => {
  const sink = (line: string, command?: number) =>
    made(
      `command:${line}`,
      sinkDepsOf(folder.path, { limits: { ...(command !== undefined && { command }) } }),
    )

  it('gets the key on standard input, without a newline, and nowhere else', async () => {
    const to = sink(
      `cat > ${target()}; tr '\\0' '\\n' < /proc/$$/cmdline > ${target()}.argv; env > ${target()}.env`,
    )
    expect(to.describe()).toMatchObject({ title: 'Command', provable: false })
    expect(await to.reach(never)).toEqual({ ok: true })
    expect(existsSync(target())).toBe(false)
    for (let time = 0; time < 2; time += 1) expect(await to.deliver(secret, never)).toEqual({ ok: true })
    expect(readFileSync(target(), 'utf8')).toBe(secret.key)
    for (const file of ['argv', 'env'])
      if (existsSync(`${target()}.${file}`))
        expect(readFileSync(`${target()}.${file}`, 'utf8')).not.toContain('zak_')
    expect(await to.prove(secret, never)).toMatchObject({ holds: 'cannot-tell' })
  })

  it('may leave its input unread', async () => {
    expect(await sink('true').deliver(secret, never)).toEqual({ ok: true })
  })

  it('is quoted without the key, in any form that it prints it', async () => {
    const pair = Buffer.from(`${secret.user}:${secret.key}`).toString('base64')
    const refused = await sink(
      `cat; echo; echo 'no ${encodeURIComponent(secret.key)} no' >&2; echo ${pair} >&2; exit 7`,
    ).deliver(secret, never)
    expect(refused).toEqual({
      ok: false,
      error: {
        code: 'sink-refused',
        words: 'The command ended with exit code 7 on this computer.',
        detail: '***\nno *** no\n***',
      },
    })
  })

  it('is ended when it takes too long, and when it is cancelled', async () => {
    expect(await sink('sleep 600', 300).deliver(secret, never)).toMatchObject({
      error: { code: 'sink-too-slow' },
    })
    const stop = new AbortController()
    const delivered = sink('sleep 600').deliver(secret, stop.signal)
    stop.abort()
    expect(await delivered).toMatchObject({ error: { code: 'cancelled' } })
  })
})

describeWith(['sshd'], 'a command on another host', () => {
  it('gets the key the same way, and not when the host is another', async () => {
    const sshd = await startSshd()
    const hosts: Host[] = []
    try {
      const there = (named: string) => {
        const host = sshHost(named, {
          home: sshd.home,
          zotbarHome: join(sshd.folder, 'zotbar'),
          environment: {},
        })
        hosts.push(host)
        return host
      }
      const deps = sinkDepsOf(folder.path, { remoteHost: there })
      const to = made(`ssh:${sshd.target}:cat > ${target()}`, deps)
      expect(to.describe()).toMatchObject({ title: `Command on ${sshd.target}`, provable: false })
      expect(await to.reach(never)).toEqual({ ok: true })
      expect(existsSync(target())).toBe(false)
      expect(await to.deliver(secret, never)).toEqual({ ok: true })
      expect(readFileSync(target(), 'utf8')).toBe(secret.key)

      const failing = made(`ssh:${sshd.target}:cat >&2; exit 3`, deps)
      expect(await failing.deliver(secret, never)).toMatchObject({
        error: { code: 'sink-refused', detail: '***' },
      })

      writeFileSync(target(), 'untouched')
      await Promise.all(hosts.map(host => host.close()))
      await sshd.changeHostKey()
      for (const asked of [to.reach(never), to.deliver(secret, never)])
        expect(await asked).toMatchObject({ ok: false, error: { code: 'host-key-changed' } })
      writeFileSync(sshd.knownHosts, '')
      expect(await to.reach(never)).toMatchObject({ ok: false, error: { code: 'host-key-unknown' } })
      appendFileSync(sshd.knownHosts, sshd.knownLine)
      writeFileSync(sshd.authorizedKeys, '')
      expect(await to.reach(never)).toMatchObject({ ok: false, error: { code: 'host-denied' } })
      expect(readFileSync(target(), 'utf8')).toBe('untouched')
    } finally {
      await Promise.all(hosts.map(host => host.close()))
      await sshd.stop()
    }
  })
})
