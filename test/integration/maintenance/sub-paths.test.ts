import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { digestOf, digestText } from '../../suites/image.ts'
import { pushImage } from '../registry/client.ts'
import { run, startRegistry, temporaryFolder, writeConfig } from '../registry/registry-process.ts'

let folder: ReturnType<typeof temporaryFolder>
let root: string
let other: string
let config: object
beforeEach(() => {
  folder = temporaryFolder()
  root = join(folder.path, 'root')
  other = join(folder.path, 'other')
  config = { storage: { rootDirectory: root, subPaths: { '/a': { rootDirectory: other, dedupe: true } } } }
})
afterEach(() => folder.dispose())

it('keeps repositories in the folder of their first path component', async () => {
  const to = await startRegistry(root, config)
  try {
    for (const name of ['a/one', 'a/two/three', 'a', 'ab/c']) await pushImage(to, name, 'v1', 'layer')
    const has = (at: string, name: string): boolean => existsSync(join(at, name, 'index.json'))
    expect(['a/one', 'a/two/three'].map(name => [has(other, name), has(root, name)])).toEqual([
      [true, false],
      [true, false],
    ])
    expect(['a', 'ab/c'].map(name => [has(other, name), has(root, name)])).toEqual([
      [false, true],
      [false, true],
    ])
    expect(JSON.parse((await to.ask('/v2/_catalog')).body.toString()).repositories).toEqual([
      'a',
      'a/one',
      'a/two/three',
      'ab/c',
    ])
    for (const name of ['a/one', 'a']) {
      expect((await to.ask(`/v2/${name}/manifests/v1`)).status).toBe(200)
      expect((await to.ask(`/v2/${name}/blobs/${digestText('layer')}`)).body.toString()).toBe('layer')
    }
    const mount = (from: string, into: string) =>
      to.ask(`/v2/${into}/blobs/uploads/?mount=${digestText('layer')}&from=${from}`, { method: 'POST' })
    expect((await mount('a/one', 'a/four')).status).toBe(201)
    expect((await mount('a/one', 'b')).status).toBe(202)
    // What lies in another folder does not hide what lies in this one, for a mount and for a look.
    const blob = digestText('layer')
    const anywhere = await to.ask(`/v2/a/five/blobs/uploads/?mount=${blob}`, { method: 'POST' })
    expect(anywhere.status).toBe(201)
    expect((await to.ask(`/v2/a/six/blobs/${blob}`, { method: 'HEAD' })).status).toBe(200)
  } finally {
    expect((await to.stop()).code).toBe(0)
  }
  const { code, stdout } = await run('scrub', writeConfig(root, config))
  expect(code).toBe(0)
  for (const name of ['a/one', 'ab/c']) expect(stdout).toMatch(new RegExp(`^${name} +v1 +ok`, 'm'))
  expect(existsSync(join(other, 'a/one/blobs/sha256', digestOf('layer').hex))).toBe(true)
})

it('locks every folder', async () => {
  mkdirSync(root)
  const to = await startRegistry(root, config)
  const second = { storage: { rootDirectory: other } }
  const refused = await run('serve', writeConfig(join(folder.path, 'second'), { ...second }))
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('in use')
  await to.stop()
})

it('verifies every folder, and that a key is the first part of a name', async () => {
  mkdirSync(root)
  const verify = (subPaths: object) =>
    run('verify', writeConfig(root, { storage: { rootDirectory: root, subPaths } }))
  expect((await verify({ '/a': { rootDirectory: other } })).code).toBe(0)
  expect((await verify({ '/a': { rootDirectory: join(other, 'deep') } })).code).toBe(1)
  expect((await verify({ '/a/b': { rootDirectory: other } })).code).toBe(1)
})
