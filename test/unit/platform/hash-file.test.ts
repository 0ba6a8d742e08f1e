import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { hashFileInto } from '../../../lib/hash-file.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-hash-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

it.each([0, 1, 1024 * 1024, 3 * 1024 * 1024 + 17])('hashes a file of %i bytes', async size => {
  const bytes = randomBytes(size)
  const file = join(folder, 'file')
  writeFileSync(file, bytes)
  const hash = createHash('sha256')
  expect(await hashFileInto(hash, file)).toBe(size)
  expect(hash.digest('hex')).toBe(sha256(bytes))
})

it('throws for a file that is not there, and when cancelled', async () => {
  const file = join(folder, 'file')
  await expect(hashFileInto(createHash('sha256'), file)).rejects.toMatchObject({ code: 'ENOENT' })
  writeFileSync(file, 'text')
  const gone = hashFileInto(createHash('sha256'), file, AbortSignal.abort())
  await expect(gone).rejects.toMatchObject({ name: 'AbortError' })
})
