import { join } from 'node:path'
import { defineConfig } from '@playwright/test'
import { browser } from '../setup/tools.mjs'

const root = join(import.meta.dirname, '..', '..')
const executablePath = browser()

export default defineConfig({
  testDir: '.',
  testMatch: '*.spec.ts',
  outputDir: join(root, 'test-results', 'e2e'),
  globalSetup: './build-renderer.ts',
  workers: 2,
  // By test, not by file: otherwise the longest file is shown to one browser alone at the end.
  fullyParallel: true,
  timeout: 30_000,
  expect: { timeout: 5_000 },
  reporter: 'list',
  use: {
    browserName: 'chromium',
    launchOptions: {
      ...(executablePath === undefined ? {} : { executablePath }),
      args: [
        '--no-sandbox',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        '--no-first-run',
      ],
    },
  },
})
