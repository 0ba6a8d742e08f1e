import { execFileSync } from 'node:child_process'
import { describe, it } from 'vitest'
import { versionLineIn } from '../../../core/platform/zot-version.ts'

/**
 * Programs of the zot project: one that runs, one to upgrade to, and optionally one of its main branch. Their names are
 * not known to this repository, so CI does without.
 */
export const realZots = {
  old: process.env['ZOTBAR_TEST_ZOT_OLD'] ?? '',
  next: process.env['ZOTBAR_TEST_ZOT_NEW'] ?? '',
  main: process.env['ZOTBAR_TEST_ZOT_MAIN'] ?? '',
}

const variables = { old: 'ZOTBAR_TEST_ZOT_OLD', next: 'ZOTBAR_TEST_ZOT_NEW', main: 'ZOTBAR_TEST_ZOT_MAIN' }

/** A suite that needs these programs; without them it is skipped by name and reason. */
export function describeWithZots(name: string, needed: (keyof typeof realZots)[], body: () => void): void {
  const missing = needed.filter(which => realZots[which] === '').map(which => variables[which])
  if (missing.length === 0) describe(name, { timeout: 240_000 }, body)
  else describe.skip(`${name} (needs ${missing.join(', ')})`, () => it('is not tried', () => {}))
}

export const zotVersionOf = (program: string): string =>
  versionLineIn(execFileSync(program, ['--version'], { encoding: 'utf8' }))?.version ?? ''
