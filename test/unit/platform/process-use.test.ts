import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { macProcessUse, parseProcessUse, systemProcessUse } from '../../../core/platform/process-use.ts'

it('finds the open files of a process and who is connected to its port, itself left out', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'zotbar-use-'))
  const file = await open(join(folder, 'held'), 'w')
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  onTestFinished(async () => {
    client.destroy()
    server.close()
    await file.close()
    rmSync(folder, { recursive: true })
  })
  await new Promise(resolve => server.once('connection', resolve))
  const read = systemProcessUse()
  const { pid } = process
  const seen = await read({ pid, port, own: 1 })
  expect(seen?.clients).toBe(1)
  expect(seen?.files.some(path => path.endsWith('/held'))).toBe(true)
  expect(await read({ pid, port, own: pid })).toMatchObject({ clients: 0 })
  expect(await read({ pid: 2 ** 22 + 1, port, own: pid })).toBeUndefined()
})

const listed = [
  ['p77', 'fcwd', 'tDIR', 'n/data'],
  ['f6', 'tREG', 'n/data/team/app/.uploads/one'],
  ['f7', 'tIPv4', 'n127.0.0.1:5050', 'TST=LISTEN', 'TQR=0'],
  ['f8', 'tIPv4', 'n127.0.0.1:5050->127.0.0.1:50001', 'TST=ESTABLISHED', 'TQR=0'],
  ['f9', 'tIPv6', 'n[::1]:5050->[::1]:50002', 'TST=ESTABLISHED'],
  ['f10', 'tIPv4', 'n127.0.0.1:5050->127.0.0.1:50003', 'TST=CLOSE_WAIT'],
  ['f11', 'tIPv4', 'n10.0.0.2:40000->10.0.0.3:443', 'TST=ESTABLISHED'],
  ['p88', 'f5', 'tIPv4', 'n127.0.0.1:50001->127.0.0.1:5050', 'TST=ESTABLISHED'],
]
const text = `${listed.flat().join('\n')}\n`
const watched = { pid: 77, port: 5050, own: 88 }

it('reads the same from lsof', async () => {
  expect(parseProcessUse(text, watched)).toEqual({ files: ['/data/team/app/.uploads/one'], clients: 1 })
  expect(parseProcessUse(text, { ...watched, own: 1 })).toMatchObject({ clients: 2 })
  expect(parseProcessUse(text, { ...watched, pid: 99 })).toBeUndefined()
  expect(await macProcessUse(async () => undefined)(watched)).toBeUndefined()
})
