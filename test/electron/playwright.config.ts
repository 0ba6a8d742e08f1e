import { join } from 'node:path'
import { defineConfig } from '@playwright/test'
import { browser } from '../setup/tools.mjs'

const executablePath = browser()

/** The real Electron, one copy of the app at a time: each test has a home of its own. */
export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: join(import.meta.dirname, '..', '..', 'test-results', 'electron'),
  workers: 1,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: { ...(executablePath === undefined ? {} : { executablePath }), args: ['--no-sandbox'] },
  },
})
