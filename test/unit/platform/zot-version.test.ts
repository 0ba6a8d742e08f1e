import { describe, expect, it } from 'vitest'
import {
  compareVersions,
  isComparable,
  runningVersionIn,
  versionLineIn,
  versionOf,
} from '../../../core/platform/zot-version.ts'

describe('the version of a zot', () => {
  it.each([
    ['v2.1.15-0-g1a2b3c4d', 'v2.1.15'],
    ['v2.1.15-0-g1a2b3c4d-dirty', 'v2.1.15'],
    ['2.1.15', 'v2.1.15'],
    ['v2.1.20-25-g6d19b445', 'v2.1.20-25-g6d19b445'],
    ['v2.1.20-25-g6d19b445-dirty', 'v2.1.20-25-g6d19b445'],
    ['v2.1.16-rc1-0-g1a2b3c4d', 'v2.1.16-rc1'],
    ['6d19b445', undefined],
    ['v2.1', undefined],
    ['v2.1.15.1', undefined],
    ['', undefined],
  ])('in %j is %j', (text, version) => {
    expect(versionOf(text)).toBe(version)
    if (version !== undefined) expect(isComparable(version)).toBe(true)
  })

  it('of a build between two releases comes after the one and before the other', () => {
    const inOrder = [
      'v2.1.9',
      'v2.1.20-rc1',
      'v2.1.20-rc2',
      'v2.1.20',
      'v2.1.20-3-gabcdef0',
      'v2.1.20-25-g6d19b445',
      'v2.1.21',
      'v2.10.0',
    ]
    expect([...inOrder].reverse().sort(compareVersions)).toEqual(inOrder)
    expect(compareVersions('v2.1.20-25-g6d19b445', 'v2.1.20-25-g6d19b4')).toBe(0)
  })

  it('is in the line that --version prints, and in the answer of mgmt', () => {
    const line = (commit: string) =>
      JSON.stringify({ message: 'version', commit, 'binary-type': 'minimal', 'go version': 'go1.25' })
    expect(versionLineIn(line('v2.1.15-0-g1a2b3c4d'))).toEqual({ version: 'v2.1.15', features: [] })
    expect(versionLineIn('<nil> broken')).toBeUndefined()
    expect(runningVersionIn({ releaseTag: 'v2.1.16', commit: 'x' })).toBe('v2.1.16')
    expect(runningVersionIn({ commit: 'v2.1.14-0-g1a2b' })).toBe('v2.1.14')
    expect(runningVersionIn({ releaseTag: 'v2.1.20', commit: 'v2.1.20-25-g6d19b445' })).toBe(
      'v2.1.20-25-g6d19b445',
    )
    expect(runningVersionIn('x')).toBeUndefined()
  })
})
