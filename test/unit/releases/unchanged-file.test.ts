import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { verifyOnChange, verifyUnchanged } from '../../../core/releases/unchanged-file.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-same-'))
  file = join(folder, 'zot')
  writeFileSync(file, 'program')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const sha256 = createHash('sha256').update('program').digest('hex')
/** Long after the file was made. */
const later = () => Date.now() + 60_000

function counted(now = later) {
  let reads = 0
  const verify = verifyOnChange((...of: Parameters<typeof verifyUnchanged>) => {
    reads += 1
    return verifyUnchanged(...of)
  }, now)
  return { verify, reads: () => reads }
}

it('reads a file once that stays as it is', async () => {
  const { verify, reads } = counted()
  expect(await verify(file, sha256)).toMatchObject({ ok: true })
  expect(await verify(file, sha256)).toMatchObject({ ok: true })
  expect(reads()).toBe(1)
})

it('reads again what was changed, even with its size and its date put back', async () => {
  const { verify } = counted()
  await verify(file, sha256)
  const { atime, mtime } = statSync(file)
  writeFileSync(file, 'another')
  utimesSync(file, atime, mtime)
  expect(await verify(file, sha256)).toMatchObject({ ok: false, error: { code: 'file-changed' } })
  writeFileSync(file, 'program')
  expect(await verify(file, sha256)).toMatchObject({ ok: true })
})

it('reads again for another digest, another file and one that was wrong', async () => {
  const { verify, reads } = counted()
  await verify(file, sha256)
  expect(await verify(file, 'other')).toMatchObject({ ok: false })
  expect(await verify(file, 'other')).toMatchObject({ ok: false })
  rmSync(file)
  expect(await verify(file, sha256)).toMatchObject({ ok: false, error: { code: 'file-unusable' } })
  expect(reads()).toBe(4)
})

it('does not trust a file that was changed a moment before', async () => {
  const { verify, reads } = counted(() => Date.now())
  await verify(file, sha256)
  await verify(file, sha256)
  expect(reads()).toBe(2)
})
