import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTarget } from '../../../core/registry-config/preflight.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'zotbar-public-url-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

/** The address that people are given for an http.externalUrl. */
async function publicUrlOf(externalUrl: string): Promise<string | undefined> {
  const file = join(folder, 'config.json')
  writeFileSync(
    file,
    JSON.stringify({
      storage: { rootDirectory: 'data' },
      http: { address: '127.0.0.1', port: '5050', externalUrl },
    }),
  )
  const target = await readTarget(file, 'zotbar-registry')
  return target.ok ? target.value.publicUrl : undefined
}

describe('http.externalUrl', () => {
  it.each(['https://registry.example.org', 'http://[::1]:5050/', 'registry.example.org:5050'])(
    '%j is the address that people are given',
    async url => expect(await publicUrlOf(url)).toBe(url),
  )

  it.each(['https://', 'http:///x', 'https:', '/registry', ' ', '?'])(
    '%j names no host, and is none',
    async url => expect(await publicUrlOf(url)).toBeUndefined(),
  )
})
