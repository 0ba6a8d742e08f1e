import { join, posix } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { type Clock, systemClock } from '../../lib/clock.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import type { CommandResult, Host } from '../../ssh/host.ts'
import { shellWord } from '../../ssh/run-command.ts'
import {
  fillPlaceholders,
  findBadPlaceholder,
  goNames,
  hasPlaceholder,
  type Placeholders,
  parseRecipe,
} from './recipe.ts'

export interface BuildOptions {
  /** The tag to build, "v2.1.15"; needed where the recipe has it. */
  version?: string
  recipe: {
    /** The commands, see `parseRecipe`. */
    text: string
    /** Where they run: absolute, or relative to the home folder of the account. Made where it is not there. */
    folder: string
    /** The program they leave, relative to the folder; `{version}`, `{os}` and `{arch}` are put in. */
    output: string
    /** The Go to build with; without it the `go` line of the go.mod in the folder says it. */
    go?: string
    /** For everything together, in ms. */
    limitMs: number
  }
  host: Host
  /** An existing folder for the program; it becomes `zot` there, 0600. */
  to: string
  /** The line that begins ("$ make binary"), then its output line by line; counted in lines of the recipe. */
  progress(progress: { label: string; done: number; total: number }): void
  signal: AbortSignal
  clock?: Clock
}

/** A program that was built. Nothing vouches for it but whoever reads the hash. */
export interface Built {
  file: string
  sha256: string
  /** Where it comes from, in words: "built from source on build.example, commit 0123abcd". */
  origin: string
}

/** A registry is some 200 MB. */
const maxBytes = 1024 ** 3
const retainedLines = 20

/**
 * Builds a version by a recipe on a host, line by line, and fetches the program. A program of an earlier build is
 * taken away first, so that what is fetched was made now. Nothing of it is run.
 * Errors: bad-recipe, bad-input, build-failed, build-too-slow, build-without-program, cancelled, file-unusable and those
 * of the host.
 */
export async function buildFromSource(options: BuildOptions): Promise<Result<Built>> {
  const { version, recipe, host, to, progress, signal, clock = systemClock() } = options
  const { folder } = recipe
  const values: Placeholders = { folder, ...goNames(process) }
  if (version !== undefined) values.version = version
  if (recipe.go !== undefined && recipe.go !== '') values.go = recipe.go
  const bad = findBadPlaceholder(values)
  if (bad) return fail(bad)
  const read = parseRecipe(recipe.text)
  if (!read.ok) return read
  const lines = read.value
  if (version === undefined && [...lines, recipe.output].some(text => hasPlaceholder('version', text)))
    return fail({ code: 'bad-input', field: 'version', wrong: 'nothing', allowed: 'a tag such as v2.1.15' })
  const output = fillPlaceholders(recipe.output, values)
  if (posix.isAbsolute(output) || output.split('/').includes('..'))
    return fail({ code: 'bad-recipe', reason: `build.output leads out of the folder: ${output}` })

  const deadline = clock.now() + recipe.limitMs
  const remainingMs = (): number => Math.max(1, deadline - clock.now())
  let recent: string[] = []

  /** Runs one line in the folder; a failure unless it ended with 0. */
  async function perform(
    line: string,
    done: number,
    workFolder: string | undefined,
  ): Promise<Failure | undefined> {
    recent = []
    const ran = await host.run({
      line,
      limitMs: remainingMs(),
      signal,
      ...(workFolder === undefined ? {} : { folder: workFolder }),
      onOutput(newLines) {
        recent = [...recent, ...newLines.map(line => line.slice(0, 500))].slice(-retainedLines)
        for (const label of newLines.slice(-retainedLines))
          progress({ label: label.slice(0, 500), done, total: lines.length })
      },
    })
    return failureOf(ran, line)
  }

  function failureOf(ran: CommandResult, line: string): Failure | undefined {
    switch (ran.kind) {
      case 'ended':
        if (ran.code === 0) return undefined
        return { code: 'build-failed', host: host.name, line, exit: ran.code, lastLines: recent }
      case 'too-slow':
        return {
          code: 'build-too-slow',
          host: host.name,
          line,
          limitMs: recipe.limitMs,
          lastLines: recent,
        }
      case 'cancelled':
        return { code: 'cancelled' }
      case 'lost':
      case 'not-started':
        return ran.error
    }
  }

  const created = await perform(`mkdir -p -- ${shellWord(folder)}`, 0, undefined)
  const cleared = created ?? (await perform(`rm -f -- ${shellWord(output)}`, 0, folder))
  if (cleared) return fail(cleared)
  for (const [done, line] of lines.entries()) {
    if (hasPlaceholder('go', line) && values.go === undefined) {
      const go = await findGo(host, folder, remainingMs(), signal)
      if (go === undefined)
        return signal.aborted
          ? fail({ code: 'cancelled' })
          : fail({
              code: 'bad-recipe',
              reason: `the Go of this version is not known; name it in build.goVersion`,
            })
      values.go = go
    }
    const filled = fillPlaceholders(line, values)
    progress({ label: `$ ${filled}`, done, total: lines.length })
    const failure = await perform(filled, done, folder)
    if (failure) return fail(failure)
  }

  const file = join(to, 'zot')
  const program = posix.join(folder, output)
  progress({ label: `Fetching ${output}`, done: lines.length, total: lines.length })
  // A build that used its time up may still be fetched.
  const limitMs = Math.max(remainingMs(), 10 * 60_000)
  const fetched = await host.fetchFile(program, file, { maxBytes, limitMs, signal })
  if (!fetched.ok) {
    const { error } = fetched
    const absent =
      (error.code === 'file-unusable' || error.code === 'host-file-unusable') &&
      error.reason === 'it does not exist'
    if (!absent) return fetched
    const files = await listBeside(host, folder, output, signal)
    return fail({ code: 'build-without-program', host: host.name, path: program, found: files })
  }
  const commit = await runForWord(host, 'git rev-parse HEAD', folder, /^[0-9a-f]{40,64}$/, 30_000, signal)
  return ok({
    file,
    sha256: await sha256Of(file),
    origin: `built from source on ${host.name}${commit === undefined ? '' : `, commit ${commit}`}`,
  })
}

/** What go.mod asks for. */
const findGo = (host: Host, folder: string, limitMs: number, signal: AbortSignal) =>
  runForWord(host, "sed -n 's/^go //p' go.mod", folder, /^\d[\w.]{0,29}$/, limitMs, signal)

/** The one word that a command answers, if it does and it is of that form. */
async function runForWord(
  host: Host,
  line: string,
  folder: string,
  form: RegExp,
  limitMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const ran = await host.run({ line, folder, limitMs, signal })
  if (ran.kind !== 'ended' || ran.code !== 0) return undefined
  const word = ran.stdout.trim()
  return form.test(word) ? word : undefined
}

async function listBeside(
  host: Host,
  folder: string,
  output: string,
  signal: AbortSignal,
): Promise<string[]> {
  const beside = posix.dirname(output)
  const ran = await host.run({ line: `ls -- ${shellWord(beside)}`, folder, limitMs: 30_000, signal })
  if (ran.kind !== 'ended' || ran.code !== 0) return []
  return ran.stdout
    .split('\n')
    .filter(Boolean)
    .slice(0, 20)
    .map(name => posix.join(beside, name))
}
