// A reporter of Vitest: writes what the closing lines of `npm test` need to the file ZOTBAR_TEST_REPORT.
import { writeFileSync } from 'node:fs'
import { ofVitest } from './report.mjs'

export default class {
  onTestRunEnd(modules, unhandled) {
    writeFileSync(process.env.ZOTBAR_TEST_REPORT, JSON.stringify(ofVitest(modules, unhandled)))
  }
}
