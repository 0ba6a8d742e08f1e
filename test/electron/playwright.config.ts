import { join } from 'node:path'
import { defineConfig } from '@playwright/test'

/** The real Electron, one copy of the app at a time: each test has a home of its own. */
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: join(import.meta.dirname, '..', '..', 'test-results', 'electron'),
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
})
