import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { eventually } from '../../fakes/eventually.ts'
import { digestOf } from '../../suites/image.ts'
import { pushBlob } from '../registry/client.ts'
import { startRegistry, temporaryFolder } from '../registry/registry-process.ts'

it('links what is pushed to what was there before the registry came', async () => {
  const folder = temporaryFolder()
  const root = join(folder.path, 'root')
  const fileOf = (repo: string): string => join(root, repo, 'blobs/sha256', digestOf('blob').hex)
  mkdirSync(join(root, 'old/blobs/sha256'), { recursive: true })
  writeFileSync(fileOf('old'), 'blob')
  const to = await startRegistry(root)
  const file = join(root, '_zotbar/blobs.db')
  try {
    await eventually(() => {
      if (!existsSync(file)) return false
      const database = new DatabaseSync(file, { readOnly: true })
      try {
        return database.prepare('SELECT 1 FROM facts').get() !== undefined
      } catch {
        return false
      } finally {
        database.close()
      }
    }, 30_000)
    expect(await pushBlob(to, 'new', 'blob')).toBe(201)
    expect(statSync(fileOf('old')).nlink).toBe(2)
    expect(statSync(fileOf('new')).ino).toBe(statSync(fileOf('old')).ino)
  } finally {
    await to.stop()
    folder.dispose()
  }
})
