import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { checkVolume, deniedOr, parseFstab, parseMountinfo } from '../../../core/platform/volume.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volume-'))
})
afterEach(() => rm(folder, { recursive: true }))

const none = { expected: [], present: [] }

test('a folder that is there, and one that will be made', async () => {
  expect(await checkVolume(folder, none)).toEqual({ ok: true, value: { present: true } })
  expect(await checkVolume(join(folder, 'new'), none)).toEqual({ ok: true, value: { present: false } })
})

test('no parent: the volume is missing', async () => {
  const path = join(folder, 'volume', 'zot')
  expect(await checkVolume(path, none)).toEqual({
    ok: false,
    error: { code: 'data-volume-missing', path, parent: join(folder, 'volume') },
  })
})

test('no entry in the place of removable volumes: the volume is missing', async () => {
  expect(await checkVolume('/mnt/no-such-volume', none)).toMatchObject({
    error: { code: 'data-volume-missing' },
  })
})

test('an empty mount point whose volume is not mounted is not a new registry', async () => {
  const expected = [folder]
  expect(await checkVolume(join(folder, 'zot'), { expected, present: ['/'] })).toMatchObject({
    error: { code: 'data-volume-missing', parent: folder },
  })
  expect(await checkVolume(join(folder, 'zot'), { expected, present: ['/', folder] })).toMatchObject({
    ok: true,
  })
  expect(await checkVolume(`${folder}-other`, { expected, present: ['/'] })).toMatchObject({ ok: true })
})

test('a file in its place', async () => {
  const path = join(folder, 'file')
  await writeFile(path, '')
  expect(await checkVolume(path, none)).toEqual({ ok: false, error: { code: 'data-not-a-folder', path } })
  expect(await checkVolume(join(path, 'zot'), none)).toMatchObject({ error: { code: 'data-not-a-folder' } })
})

// Modes do not bind root.
test.skipIf(process.getuid?.() === 0)('unreadable and read-only folders', async () => {
  const path = join(folder, 'zot')
  await mkdir(path, { mode: 0o500 })
  expect(await checkVolume(path, none)).toMatchObject({ error: { code: 'data-read-only', path } })
  expect(await checkVolume(join(path, 'new'), none)).toMatchObject({ error: { code: 'data-read-only' } })
  await chmod(path, 0o000)
  expect(await checkVolume(path, none)).toMatchObject({
    error: { code: 'data-denied', path, by: 'permissions' },
  })
})

test('a refusal of macOS has words of its own, and is no missing volume', () => {
  const refused = (code: string) => Object.assign(new Error(code), { code })
  expect(deniedOr(refused('EPERM'), '/v', 'darwin')).toEqual({ code: 'data-denied', path: '/v', by: 'macos' })
  expect(deniedOr(refused('EACCES'), '/v', 'darwin')).toMatchObject({ by: 'permissions' })
  expect(deniedOr(refused('EPERM'), '/v', 'linux')).toMatchObject({ by: 'permissions' })
  expect(deniedOr(refused('EIO'), '/v', 'darwin')).toMatchObject({ code: 'data-unreadable' })
})

test('mount tables', () => {
  const fstab = [
    '# comment',
    'UUID=1 / ext4 defaults 0 1',
    'UUID=2\t/mnt/my\\040disk ext4 nofail 0 2',
    'UUID=3 none swap sw 0 0',
    '/dev/cdrom /media/cdrom udf,iso9660 user,noauto 0 0',
    '',
  ].join('\n')
  expect(parseFstab(fstab)).toEqual(['/', '/mnt/my disk'])
  const mountinfo =
    '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n36 22 8:17 / /mnt/my\\040disk rw shared:2 - ext4 /dev/sdb1 rw\n'
  expect(parseMountinfo(mountinfo)).toEqual(['/', '/mnt/my disk'])
})
