import {
  chmod,
  link,
  lstat,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { applyEdit, revertEdit } from '../../../core/advisories/apply-edit.ts'
import { editFor } from '../../../core/advisories/config-edit.ts'
import { household } from './configs.ts'

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zotbar-edit-'))
  file = join(folder, 'config.json')
  await writeFile(file, household)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const metricsEdit = (place = file) => {
  const { edit } = editFor({ running: 'v2.1.17', to: 'v2.1.18', config: { file: place, text: household } })
  if (!edit) throw new Error('no edit')
  return edit
}
const text = () => readFile(file, 'utf8')

describe('applying the edit', () => {
  it('writes into the file, whose mode, owner and links stay, and keeps the old text beside it', async () => {
    await chmod(file, 0o640)
    const before = await stat(file)
    const other = join(folder, 'other-name')
    await link(file, other)
    const edit = metricsEdit()
    const keptAs = `${file}.before-v2.1.18`
    expect(await applyEdit(edit, 'v2.1.18')).toEqual({ ok: true, value: { changed: true, keptAs } })
    expect(await text()).toBe(edit.after)
    expect(await readFile(keptAs, 'utf8')).toBe(household)
    expect((await stat(file)).mode & 0o777).toBe(0o640)
    expect((await stat(keptAs)).mode & 0o777).toBe(0o640)
    const { ino, uid, gid } = await stat(file)
    expect([ino, uid, gid]).toEqual([before.ino, before.uid, before.gid])
    expect(await readFile(other, 'utf8')).toBe(edit.after)
    expect(await readdir(folder)).toEqual(['config.json', 'config.json.before-v2.1.18', 'other-name'])
  })

  it.each([1, 40, 300, 10_000])('goes on where a kill left %s bytes of a write, either way', async bytes => {
    const edit = metricsEdit()
    const half = (from: string, to: string) => {
      const whole = to.padEnd(from.length, '\n')
      return whole.slice(0, bytes) + from.slice(bytes)
    }
    await writeFile(file, half(edit.before, edit.after))
    expect(await applyEdit(edit, 'v2.1.18')).toMatchObject({ ok: true })
    expect(await text()).toBe(edit.after)
    await writeFile(file, half(edit.after, edit.before))
    expect(await revertEdit(edit)).toMatchObject({ ok: true })
    expect(await text()).toBe(edit.before)
  })

  it('can be applied and taken back any number of times', async () => {
    const edit = metricsEdit()
    const keptAs = `${file}.before-v2.1.18`
    await applyEdit(edit, 'v2.1.18')
    expect(await applyEdit(edit, 'v2.1.18')).toEqual({ ok: true, value: { changed: false, keptAs } })
    expect(await text()).toBe(edit.after)
    expect(await revertEdit(edit)).toEqual({ ok: true, value: { changed: true } })
    expect(await text()).toBe(household)
    expect(await revertEdit(edit)).toEqual({ ok: true, value: { changed: false } })
    expect(await applyEdit(edit, 'v2.1.18')).toMatchObject({ value: { changed: true, keptAs } })
    expect(await readdir(folder)).toHaveLength(2)
  })

  it('goes on where a kill left the copy and not the change', async () => {
    await writeFile(`${file}.before-v2.1.18`, household)
    expect(await applyEdit(metricsEdit(), 'v2.1.18')).toMatchObject({ ok: true, value: { changed: true } })
    expect(await readdir(folder)).toHaveLength(2)
  })

  it('keeps an earlier copy that has another text', async () => {
    await writeFile(`${file}.before-v2.1.18`, 'older')
    const keptAs = `${file}.before-v2.1.18-2`
    expect(await applyEdit(metricsEdit(), 'v2.1.18')).toMatchObject({ ok: true, value: { keptAs } })
    expect(await readFile(`${file}.before-v2.1.18`, 'utf8')).toBe('older')
    expect(await readFile(keptAs, 'utf8')).toBe(household)
  })

  it('leaves a file alone that somebody else changed meanwhile', async () => {
    const edit = metricsEdit()
    await writeFile(file, `${household}\n`)
    const refused = { ok: false, error: { code: 'config-edited-meanwhile', file } }
    expect(await applyEdit(edit, 'v2.1.18')).toEqual(refused)
    expect(await revertEdit(edit)).toEqual(refused)
    expect(await text()).toBe(`${household}\n`)
    expect(await readdir(folder)).toEqual(['config.json'])
  })

  it('changes what a link leads to, and leaves the link', async () => {
    const named = join(folder, 'link.json')
    await symlink(file, named)
    const edit = metricsEdit(named)
    expect(await applyEdit(edit, 'v2.1.18')).toMatchObject({ value: { keptAs: `${named}.before-v2.1.18` } })
    expect((await lstat(named)).isSymbolicLink()).toBe(true)
    expect(await text()).toBe(edit.after)
  })

  it('says that a file is gone', async () => {
    const edit = metricsEdit()
    await rm(file)
    for (const result of [await applyEdit(edit, 'v2.1.18'), await revertEdit(edit)])
      expect(result).toMatchObject({ ok: false, error: { code: 'file-unusable', path: file } })
  })
})
