import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { asyncDisk } from '../../../core/storage/disk.ts'
import { FileList } from '../../../core/storage/file-list.ts'
import { readRepository } from '../../../core/storage/repository-reader.ts'
import { StoreTree } from '../../fakes/store-tree.ts'

const tree = new StoreTree(mkdtempSync(join(tmpdir(), 'zotbar-reader-')))
afterAll(() => rmSync(tree.root, { recursive: true, force: true }))

it.each([
  ['null, as zot writes it', '{"schemaVersion":2,"manifests":null}', 0],
  ['nothing', '{"schemaVersion":2}', 0],
  ['text that was cut off', '{"schemaVersion":2,"mani', undefined],
  ['a list that is none', '{"schemaVersion":2,"manifests":{}}', undefined],
])('counts the tags of a repository whose index.json has %s', async (_, text, tags) => {
  tree.repository('app')
  writeFileSync(join(tree.root, 'app', 'index.json'), text)
  const read = await readRepository(asyncDisk, join(tree.root, 'app'), 'app', new FileList())
  expect(read?.tags).toBe(tags)
})
