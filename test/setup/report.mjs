// What the reports of the test runners say, as one shape, and the closing lines of `npm test`:
// the end of a log is all that is left of it when the rest was cut.
import { stripVTControlCharacters } from 'node:util'

/** The first lines of an error, as one: the message, and of a property test its seed and counterexample. */
export function inOneLine(message) {
  const lines = stripVTControlCharacters(String(message ?? 'no message'))
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !/^at /.test(line))
  const text = lines.slice(0, 3).join(' | ')
  return text.length > 400 ? `${text.slice(0, 400)}…` : text
}

const empty = () => ({ passed: 0, failed: [], flaky: [], skipped: [], broken: [] })

/**
 * A run of Vitest (its TestModules, and the errors that belong to no test), as
 * `{passed, failed, flaky, skipped, broken}`: a count, then lists of `{file, name, error?}`, `skipped` with `{tests, reason}`.
 * A file that cannot be loaded and a hook that throws are among `failed`.
 */
export function ofVitest(modules, unhandled) {
  const report = empty()
  for (const module of modules) {
    const file = module.relativeModuleId
    const visit = (part, names, skippedAt) => {
      const name = [...names, part.name].join(' > ')
      if (part.type === 'suite') {
        failures(part, file, name)
        const skips = skippedAt ?? (part.options.mode === 'skip' ? skipOf(report, file, name) : undefined)
        for (const child of part.children) visit(child, [...names, part.name], skips)
        return
      }
      const { state, errors, note } = part.result()
      const error = inOneLine(errors?.[0]?.message)
      if (state === 'passed') {
        report.passed++
        if (part.diagnostic()?.flaky) report.flaky.push({ file, name, error })
      } else if (state === 'failed') report.failed.push({ file, name, error })
      else if (state === 'skipped') (skippedAt ?? skipOf(report, file, name, note)).tests++
      else report.failed.push({ file, name, error: 'never finished' })
    }
    const failures = (part, file, name) => {
      for (const error of part.errors()) report.failed.push({ file, name, error: inOneLine(error.message) })
    }
    failures(module, file, '(the file itself)')
    for (const child of module.children) visit(child, [])
  }
  for (const error of unhandled)
    report.broken.push({
      file: error.VITEST_TEST_PATH,
      name: error.VITEST_TEST_NAME,
      error: inOneLine(error.message),
    })
  return report
}

function skipOf(report, file, name, reason) {
  const skip = { file, name, reason, tests: 0 }
  report.skipped.push(skip)
  return skip
}

/** The JSON report of Playwright, as the shape of `ofVitest`. */
export function ofPlaywright(json) {
  const report = empty()
  const visit = (suite, names) => {
    for (const spec of suite.specs ?? []) {
      const name = [...names, spec.title].join(' > ')
      for (const test of spec.tests) {
        const failure = test.results.find(result => result.status !== test.expectedStatus)
        const error = inOneLine(failure?.error?.message ?? failure?.status)
        const at = { file: spec.file, name }
        if (test.status === 'skipped') {
          const reason = test.annotations?.find(
            one => one.type === 'skip' || one.type === 'fixme',
          )?.description
          skipOf(report, spec.file, name, reason).tests++
        } else if (test.status === 'unexpected') report.failed.push({ ...at, error })
        else {
          report.passed++
          if (test.status === 'flaky') report.flaky.push({ ...at, error })
        }
      }
    }
    // The outermost suite of Playwright is the file.
    for (const inner of suite.suites ?? []) visit(inner, [...names, inner.title])
  }
  for (const file of json.suites ?? []) visit(file, [])
  for (const error of json.errors ?? [])
    report.broken.push({ file: error.location?.file, error: inOneLine(error.message) })
  return report
}

/**
 * The closing lines of a run.
 * @param parts `{title, ended, report?}` in order: `ended` is undefined when the command ended well, else how ("exit 1");
 *   `report` is missing when the command has none or died before it.
 * @returns `{lines, ok}`; the last line counts.
 */
export function closing(parts) {
  const lines = []
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const say = (word, title, { file, name, error }) =>
    lines.push(`${word}: ${[title, file, name].filter(Boolean).join(' > ')}${error ? `: ${error}` : ''}`)
  const reports = parts.filter(part => part.report !== undefined)
  for (const { title, report } of reports) {
    counts.passed += report.passed
    for (const skip of report.skipped) {
      counts.skipped += skip.tests
      say('skipped', title, {
        ...skip,
        error: skip.reason ?? (skip.tests > 1 ? `${skip.tests} tests` : undefined),
      })
    }
  }
  for (const { title, report } of reports) for (const test of report.flaky) say('flaky', title, test)
  for (const { title, report, ended } of parts) {
    for (const error of report?.broken ?? []) say('unhandled', title, error)
    for (const test of report?.failed ?? []) say('failed', title, test)
    counts.failed += report?.failed.length ?? 0
    if (ended !== undefined && !report?.failed.length)
      lines.push(
        `failed: ${title} ended with ${ended}${report === undefined ? '' : ', without a failed test'}`,
      )
  }
  lines.push(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  return { lines, ok: counts.failed === 0 && parts.every(part => part.ended === undefined) }
}
