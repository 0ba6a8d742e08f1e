import { readFileSync } from 'node:fs'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'

const versions = v.optional(v.record(v.string(), v.string()), {})
const lockFile = v.object({
  packages: v.record(
    v.string(),
    v.object({ version: v.optional(v.string()), optionalDependencies: versions }),
  ),
})

const { packages } = v.parse(
  lockFile,
  JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')),
)

/** The version that Node would find for a package from inside another one: the nearest folder upwards. */
const found = (from: string, name: string): string | undefined => {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    const entry = packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`]
    if (entry !== undefined) return entry.version
    if (at === '') return undefined
  }
}

// `npm ci` refuses the whole lock file when one platform's package is missing in it, also on other platforms.
describe('the lock file', () => {
  it('has every optional package that is pinned exactly, in that version', () => {
    const wrong = Object.entries(packages).flatMap(([from, { optionalDependencies }]) =>
      Object.entries(optionalDependencies)
        .filter(([name, wanted]) => /^\d/.test(wanted) && found(from, name) !== wanted)
        .map(([name, wanted]) => `${from} wants ${name} ${wanted}, the lock file has ${found(from, name)}`),
    )
    expect(wrong).toEqual([])
  })
})
