import { spawnSync } from 'node:child_process'
import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..', '..', '..')
const copy = mkdtempSync(join(tmpdir(), 'zotbar-sources-'))
afterAll(() => rmSync(copy, { recursive: true, force: true }))

/** Builds the copy of the sources; answers what its build.json says. */
function build(): { build: string; version: string } {
  const { status, stderr } = spawnSync(process.execPath, [join(copy, 'build', 'bundle.mjs')], {
    encoding: 'utf8',
  })
  expect(`${status} ${stderr}`).toMatch(/^0 /)
  return JSON.parse(readFileSync(join(copy, 'dist', 'build.json'), 'utf8'))
}

it('the same sources are the same build, and a changed text is another one', () => {
  const parts = 'contract lib ssh client cli core main preload renderer registry build package.json'
  for (const part of [...parts.split(' '), 'vite.config.ts', 'tsconfig.base.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  const first = build()
  expect(first).toEqual({
    build: expect.stringMatching(/^[0-9a-f]{16}$/),
    version: expect.stringMatching(/^\d/),
    registry: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(build()).toEqual(first)
  appendFileSync(join(copy, 'registry', 'signin', 'page', 'page.css'), '\n.another { color: red }\n')
  const second = build()
  expect(second.build).not.toBe(first.build)
})
