import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { failureMessage } from '../../../contract/messages/failure-message.ts'
import { checkNamedFiles, namedFilesIn } from '../../../core/registry-config/named-files.ts'
import { parseConfig } from '../../../registry/config/config.ts'

const folder = mkdtempSync(join(tmpdir(), 'zotbar-named-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('are the accounts, the certificate and its key, from the folder of config.json on', () => {
  const http = {
    address: '127.0.0.1',
    port: '5050',
    tls: { cert: 'a.crt', key: '/b.key' },
    auth: { htpasswd: { path: 'htpasswd' } },
  }
  const parsed = parseConfig(JSON.stringify({ storage: { rootDirectory: '/x' }, http }))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  expect(namedFilesIn(parsed.config, '/etc/zot')).toEqual([
    { keyPath: 'http.auth.htpasswd.path', path: '/etc/zot/htpasswd' },
    { keyPath: 'http.tls.cert', path: '/etc/zot/a.crt' },
    { keyPath: 'http.tls.key', path: '/b.key' },
  ])
})

it('that cannot be read are one message, with key and path', async () => {
  const path = join(folder, 'htpasswd')
  const file = { keyPath: 'http.auth.htpasswd.path', path }
  const missing = await checkNamedFiles([file], 'zot')
  if (missing.ok) throw new Error('it is not there')
  expect(failureMessage(missing.error)).toEqual({
    title: 'A file that config.json names cannot be read',
    steps: [
      `http.auth.htpasswd.path names ${path}: it does not exist.`,
      'Put it there, or name another. A registry that does not run then starts by itself.',
    ],
  })
  expect(await checkNamedFiles([{ ...file, path: folder }], 'zot')).toMatchObject({
    error: { code: 'named-file-unusable', reason: 'it is a folder' },
  })
  writeFileSync(path, '')
  expect(await checkNamedFiles([file], 'zot')).toMatchObject({ ok: true })
})

it('that hold no certificate are told before zotbar-registry is started or stopped for it; zot is left to judge', async () => {
  const path = join(folder, 'a.pem')
  writeFileSync(path, 'garbage')
  const files = [
    { keyPath: 'http.tls.cert', path },
    { keyPath: 'http.tls.key', path },
  ]
  expect(await checkNamedFiles(files, 'zotbar-registry')).toMatchObject({
    error: { code: 'named-file-unusable', ...files[0], reason: 'this is not a certificate in PEM' },
  })
  expect(await checkNamedFiles(files, 'zot')).toMatchObject({ ok: true })
})
