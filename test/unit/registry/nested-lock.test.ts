import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseConfig } from '../../../registry/config/config.ts'
import { isHeld, lockRoot, nestedRegistry } from '../../../registry/storage/root-lock.ts'
import { openStores } from '../../../registry/stores.ts'

let base: string
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'zotbar-nested-')))
})
afterEach(() => {
  rmSync(base, { recursive: true })
})

function folder(...names: string[]): string {
  const path = join(base, ...names)
  mkdirSync(path, { recursive: true })
  return path
}
function serve(root: string): () => void {
  const locked = lockRoot(root)
  if (!locked.ok) throw new Error(locked.message)
  return locked.release
}
const who = (root: string) => `${root}, which is in use by another zotbar-registry (pid ${process.pid})`

it('whoever serves a folder above is seen, however far above, until that ends', async () => {
  const [above, root] = [folder('data'), folder('data', 'a', 'b', 'c')]
  const release = serve(above)
  expect(await nestedRegistry(root)).toBe(`${root} lies within ${who(above)}`)
  // To look at a lock does not take it away.
  expect(isHeld(above)).toBe(true)
  symlinkSync(root, join(base, 'link'))
  expect(await nestedRegistry(join(base, 'link'))).toContain(`lies within ${who(above)}`)
  release()
  expect(await nestedRegistry(root)).toBeUndefined()
})

it.each([[['a']], [['a', 'b']]])('whoever serves a folder below is seen: %s', async names => {
  const [root, below] = [folder('data'), folder('data', ...names)]
  const release = serve(below)
  expect(await nestedRegistry(root)).toBe(`within ${root} lies ${who(below)}`)
  expect(await nestedRegistry(folder('data', 'beside'))).toBeUndefined()
  release()
  expect(await nestedRegistry(root)).toBeUndefined()
})

it('the folder of a sub path is looked at as the root is, and nothing stays locked after a refusal', async () => {
  const [root, sub] = [folder('data'), folder('elsewhere', 'sub')]
  const text = JSON.stringify({
    storage: { rootDirectory: root, subPaths: { '/sub': { rootDirectory: sub } } },
    http: { address: '127.0.0.1', port: '0' },
  })
  const parsed = parseConfig(text)
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const above = join(base, 'elsewhere')
  const release = serve(above)
  const message = `${sub} lies within ${who(above)}`
  expect(await openStores(parsed.config)).toEqual({ ok: false, message })
  expect([root, sub].map(isHeld)).toEqual([false, false])
  release()
  const opened = await openStores(parsed.config)
  if (!opened.ok) throw new Error(opened.message)
  opened.stores.close()
})

it.each([
  ['lies within', ['data', 'a']],
  ['is the same folder as', ['data']],
  ['lies around', []],
])('a sub path whose folder, through a link, %s the root is refused by its key', async (how, names) => {
  const root = folder('data')
  const link = join(base, '..', `${basename(base)}-link`)
  symlinkSync(folder(...names), link)
  try {
    const parsed = parseConfig(
      JSON.stringify({
        storage: { rootDirectory: root, subPaths: { '/sub': { rootDirectory: link } } },
        http: { address: '127.0.0.1', port: '0' },
      }),
    )
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    expect(await openStores(parsed.config)).toEqual({
      ok: false,
      message: `storage.subPaths./sub.rootDirectory ${link} ${how} storage.rootDirectory ${root}: give each a folder of its own, none inside another`,
    })
    expect(isHeld(root)).toBe(false)
  } finally {
    rmSync(link)
  }
})

it.each(['/data/a', '/data', '/data/../data/a', '/data//a', '/'])(
  'a sub path in %s beside /data is refused',
  at => {
    const parsed = parseConfig(
      JSON.stringify({
        storage: { rootDirectory: '/data', subPaths: { '/sub': { rootDirectory: at } } },
        http: { address: '127.0.0.1', port: '0' },
      }),
    )
    expect(parsed).toMatchObject({
      ok: false,
      problems: [expect.objectContaining({ code: 'conflict', message: expect.stringContaining('"/sub"') })],
    })
  },
)
