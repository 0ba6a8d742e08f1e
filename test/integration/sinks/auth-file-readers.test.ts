import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { authfileSink } from '../../../core/sinks/authfile-sink.ts'
import { describeWith } from '../../setup/need.ts'

const { signal } = new AbortController()
const user = 'ci'
const key = 'zak_new'
const pair = (text: string): { auth: string } => ({ auth: Buffer.from(text).toString('base64') })
const onPath = (name: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some(folder => existsSync(join(folder, name)))

describeWith(['skopeo', 'buildah'], 'what the readers of an auth file send', () => {
  let folder: string
  let server: Server
  let host: string
  const sent: string[] = []
  const at = (...names: string[]): string => join(folder, ...names)
  const file = (): string => at('docker', 'config.json')

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'zotbar-auth-file-'))
    mkdirSync(at('docker'))
    server = createServer((req, res) => {
      const { authorization } = req.headers
      if (authorization === undefined)
        return void res.writeHead(401, { 'WWW-Authenticate': 'Basic realm="r"' }).end()
      sent.push(Buffer.from(authorization.replace(/^Basic /, ''), 'base64').toString())
      res.writeHead(404).end()
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    host = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const store = (): string[] => ['--root', at('store'), '--runroot', at('run'), '--storage-driver', 'vfs']
  const options = (): string[] => ['--tls-verify=false', '--authfile', file()]
  const readers: Record<string, (image: string) => string[]> = {
    skopeo: image => ['inspect', ...options(), `docker://${host}/${image}`],
    buildah: image => [...store(), 'pull', ...options(), `${host}/${image}`],
    podman: image => [...store(), 'pull', ...options(), `${host}/${image}`],
    docker: image => ['--config', at('docker'), 'manifest', 'inspect', '--insecure', `${host}/${image}`],
  }
  const names = Object.keys(readers).filter(onPath)

  /** What a program sends when it is to read an image: "user:key"; undefined for no credential. */
  async function sentBy(reader: string, image: string): Promise<string | undefined> {
    sent.length = 0
    await new Promise<void>(resolve => {
      const env = { ...process.env, HOME: folder }
      execFile(reader, readers[reader]?.(image) ?? [], { env }, () => resolve())
    })
    expect(new Set(sent).size).toBeLessThan(2)
    // Nobody, as skopeo says it.
    return sent[0] === ':' ? undefined : sent[0]
  }

  it('is the key, wherever the proof says so, and is not where it says that another entry wins', async () => {
    const others = { [`${host}/ops`]: pair('ops:pw'), [`${host}0/team`]: pair('x:y') }
    const auths = {
      ...others,
      [`https://${host}/v1/`]: pair('ci:zak_old'),
      [`${host}/team/app`]: pair('ci:zak_old'),
    }
    writeFileSync(file(), `\uFEFF${JSON.stringify({ auths, credHelpers: { [`${host}/team`]: 'none' } })}`, {
      mode: 0o600,
    })
    const sink = authfileSink('authfile', file())
    expect(await sink.deliver({ user, key, registryHost: host }, signal)).toEqual({ ok: true })
    const proof = await sink.prove({ user, key, registryHost: host }, signal)
    expect(proof).toEqual({ holds: 'this', words: expect.stringContaining(`${host}/ops (of "ops")`) })
    for (const reader of names) {
      expect([reader, await sentBy(reader, 'team/app')]).toEqual([reader, `${user}:${key}`])
      expect([reader, await sentBy(reader, 'lib/a')]).toEqual([reader, `${user}:${key}`])
      const narrower = reader === 'docker' ? `${user}:${key}` : 'ops:pw'
      expect([reader, await sentBy(reader, 'ops/a')]).toEqual([reader, narrower])
    }
  })

  it('is what the address of an older docker has, where nothing else is there', async () => {
    const { auth } = pair(`${user}:${key}`)
    writeFileSync(file(), JSON.stringify({ auths: { [`https://${host}/v1/`]: { auth } } }), { mode: 0o600 })
    const sink = authfileSink('authfile', file())
    expect(await sink.prove({ user, key, registryHost: host }, signal)).toEqual({ holds: 'this' })
    for (const reader of names)
      expect([reader, await sentBy(reader, 'lib/a')]).toEqual([reader, `${user}:${key}`])
  })

  it.each([
    ['a mark', '\uFEFF{"auths":{"HOST":AUTH}}'],
    ['an entry of another type', '{"auths":{"HOST":AUTH,"x":5}}'],
    ['a key of another type', '{"auths":{"HOST":AUTH,"x":{"auth":5}}}'],
    ['helpers of another type', '{"auths":{"HOST":AUTH},"credHelpers":[]}'],
    ['an empty entry', '{"auths":{"HOST":{}}}'],
  ])('is nothing in a file with %s, and is not proven', async (_what, text) => {
    const entry = JSON.stringify(pair(`${user}:${key}`))
    writeFileSync(file(), text.replace('HOST', host).replace('AUTH', entry), { mode: 0o600 })
    const proof = await authfileSink('authfile', file()).prove({ user, key, registryHost: host }, signal)
    expect(proof.holds).not.toBe('this')
    expect(await sentBy('skopeo', 'lib/a')).toBeUndefined()
    expect(readFileSync(file(), 'utf8')).toBe(text.replace('HOST', host).replace('AUTH', entry))
  })
})
