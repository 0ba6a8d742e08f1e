import { describe, expect, it } from 'vitest'
import { compare, inList } from '../../setup/test-names.mjs'

describe('the names of all tests', () => {
  it.each([
    ['a > is found from file:///x/main/storage/scan.ts', 'a > is found from scan.ts'],
    ['a > reads a/b.txt\nand c', 'a > reads a/b.txt\\nand c'],
    [`a > refuses $2b$04$${'x'.repeat(53)}`, 'a > refuses $2b$04$#'],
    ['a > {"exp":1796083666}', 'a > {"exp":#}'],
  ])('do not tell where a file is, nor when they were listed: %j', (name, listed) => {
    expect(inList(name)).toBe(listed)
  })

  it('are compared one by one, also those that stand there twice', () => {
    expect(compare(['a', 'b', 'b', 'c'], ['d', 'b', 'c'])).toEqual({ went: ['a', 'b'], came: ['d'] })
    expect(compare(['b', 'a'], ['a', 'b'])).toEqual({ went: [], came: [] })
  })
})
