// The names of all tests, without the files that they are in: files move, a test that is gone must be missed.
//   node test/setup/test-names.mjs > names.txt         one line for each test, `project<TAB>full name`, sorted
//   node test/setup/test-names.mjs BEFORE AFTER        what went (-) and what came (+); ends with 1 when a test went
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVitest } from 'vitest/node'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const sourcePath = /(?:file:\/\/)?[\w.@/-]*\/([\w.@-]+\.(?:[cm]?[jt]s|tsx))\b/g
/** What the table of a test may hold that is another in each run: a hash with its salt, a time in seconds. */
const ofThisRun = /(\$2b\$\d\d\$)[\w./]{50,53}|\b1\d{9}\b/g

/** A name on one line, with the bare names of source files and without what is another in each run. */
export function inList(name) {
  return name
    .replaceAll(root, '')
    .replace(sourcePath, '$1')
    .replace(ofThisRun, (_, prefix = '') => `${prefix}#`)
    .replaceAll('\n', '\\n')
}

/** What went and what came between two lists of lines, a line that stands there twice counted twice. */
export function compare(before, after) {
  const counts = new Map()
  for (const line of before) counts.set(line, (counts.get(line) ?? 0) - 1)
  for (const line of after) counts.set(line, (counts.get(line) ?? 0) + 1)
  const repeated = sign =>
    [...counts].flatMap(([line, count]) => Array(Math.max(0, sign * count)).fill(line)).sort()
  return { went: repeated(-1), came: repeated(1) }
}

async function namesOfVitest(project) {
  const vitest = await createVitest('test', { root, project: [project], watch: false })
  try {
    const { testModules, unhandledErrors } = await vitest.collect()
    const errors = [...unhandledErrors, ...testModules.flatMap(module => module.errors())]
    if (errors.length > 0) throw new Error(errors.map(error => error.message).join('\n'))
    return testModules.flatMap(module => [...module.children.allTests()].map(test => test.fullName))
  } finally {
    await vitest.close()
  }
}

function namesOfPlaywright(suite) {
  const args = ['test', '--list', '--reporter=json', '--config', join('test', suite, 'playwright.config.ts')]
  const listed = JSON.parse(
    execFileSync(join(root, 'node_modules', '.bin', 'playwright'), args, { cwd: root, maxBuffer: 2 ** 26 }),
  )
  const namesOf = (part, titles) => [
    ...(part.specs ?? []).map(spec => [...titles, spec.title].join(' > ')),
    ...(part.suites ?? []).flatMap(inner => namesOf(inner, [...titles, inner.title])),
  ]
  // The outermost suite is the file.
  return listed.suites.flatMap(file => namesOf(file, []))
}

async function list() {
  const lines = []
  for (const project of ['unit', 'integration'])
    for (const name of await namesOfVitest(project)) lines.push(`${project}\t${inList(name)}`)
  for (const suite of ['e2e', 'electron'])
    for (const name of namesOfPlaywright(suite)) lines.push(`${suite}\t${inList(name)}`)
  return lines.sort()
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const [before, after] = process.argv.slice(2)
  if (before === undefined || after === undefined) {
    process.stdout.write(`${(await list()).join('\n')}\n`)
    process.exit(0)
  }
  const linesOf = file => readFileSync(file, 'utf8').split('\n').filter(Boolean)
  const { went, came } = compare(linesOf(before), linesOf(after))
  for (const line of went) console.log(`- ${line}`)
  for (const line of came) console.log(`+ ${line}`)
  console.log(`${went.length} went, ${came.length} came`)
  process.exit(went.length > 0 ? 1 : 0)
}
