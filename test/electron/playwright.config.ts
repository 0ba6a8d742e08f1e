import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { defineConfig } from '@playwright/test'

const names = ['chromium', 'chromium-browser', 'google-chrome']
/** The browser of the machine, for what needs a page but no Electron; nothing is downloaded. */
const browser = [
  ...(process.env['PATH'] ?? '').split(delimiter).flatMap(folder => names.map(name => join(folder, name))),
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
].find(file => existsSync(file))

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
    launchOptions: { ...(browser === undefined ? {} : { executablePath: browser }), args: ['--no-sandbox'] },
  },
})
