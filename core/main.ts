import { cacheCompiledCode } from '../lib/compile-cache.ts'
import { resolveHome } from '../lib/home.ts'
import { takeCoreEnvironment } from './platform/environment.ts'
import { parseStart, printWrongUsage, wantsJson } from './program/arguments.ts'

/** The program of the core: `main.mjs [start] [--json] [--config FILE] [--dashboard-port N] [--keeper NAME]`. */
async function run(args: readonly string[]): Promise<number> {
  const read = parseStart(args)
  if (!read.ok) {
    printWrongUsage(read.error, wantsJson(args))
    return 2
  }
  const npmCommand = process.env['npm_command']
  const dropped = takeCoreEnvironment()
  // Everything else is loaded after the compile cache is on: it works only for what comes later.
  cacheCompiledCode(resolveHome())
  const { runProcess } = await import('./app/run-process.ts')
  return runProcess(read.value, { npmCommand, dropped })
}

// Whatever is created here is for this user alone.
process.umask(0o077)
// A reader that goes (`zotbar start | head`) ends nothing: the core goes on.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
const code = await run(process.argv.slice(2))
// A pipe takes 64 KB at a time: leaving before its reader has the rest would cut the answer off.
process.stdout.write('', () => process.exit(code))
