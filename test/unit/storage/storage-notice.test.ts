import { describe, expect, it } from 'vitest'
import { storageNotice } from '../../../core/notices/notice-control.ts'
import { isRefusedForSpace } from '../../../core/storage/writes.ts'

const store = { scanning: false, biggest: [], history: [] } as const
const seen = (freeBytes: number, over: { asOf?: number } = {}) => ({
  ...store,
  biggest: [],
  history: [],
  freeBytes,
  volumeBytes: 1e9,
  ...over,
})

describe('the warning about space', () => {
  it('comes when the disk is full, also before the first count and where warnings are off', () => {
    expect(storageNotice(seen(4096), 0, 0, 7)).toMatchObject({ kind: 'storage-nearly-full', at: 7 })
    expect(storageNotice(seen(4096, { asOf: 3 }), 0, 0, 7)).toMatchObject({ at: 3 })
  })

  it('comes below the percentage and not above it', () => {
    expect(storageNotice(seen(9e7), 10, 0, 7)).toBeDefined()
    expect(storageNotice(seen(2e8), 10, 0, 7)).toBeUndefined()
    expect(storageNotice({ ...store, biggest: [], history: [] }, 10, 0, 7)).toBeUndefined()
  })

  it('is looked for after a request that was refused with 507', () => {
    const line = { message: 'HTTP API', method: 'PUT', path: '/v2/a/blobs/uploads/x', statusCode: 507 }
    expect(isRefusedForSpace(JSON.stringify(line))).toBe(true)
    expect(isRefusedForSpace(JSON.stringify({ ...line, statusCode: 500 }))).toBe(false)
    expect(isRefusedForSpace('"statusCode":507 in other words')).toBe(false)
  })
})
