import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { leftToChaos } from '../../setup/left-to-chaos.mjs'

// A file that was moved would run in neither, or in both.
test.each(leftToChaos)('%s, which npm test leaves out, is there', file => {
  expect(existsSync(file)).toBe(true)
})
