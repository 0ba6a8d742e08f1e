import { printLine } from './log/logger.ts'
import { scrub } from './scrub.ts'
import { serve } from './serve.ts'
import { verify } from './verify.ts'
import { distributionSpec, version } from './version.ts'

const usage = `zotbar-registry ${version}: an OCI registry on zot's storage layout

Usage:
  zotbar-registry serve <config.json>    serve images until SIGTERM or SIGINT
  zotbar-registry verify <config.json>   check a configuration and say what is wrong
  zotbar-registry scrub <config.json>    read every blob, while nobody serves, and say what is damaged
  zotbar-registry --version              print the version
  zotbar-registry --help                 print this

Exit codes: 0 done, 1 failed, 2 wrong usage`

const commands = new Map([
  ['serve', serve],
  ['verify', verify],
  ['scrub', scrub],
])

async function main(args: readonly string[]): Promise<number> {
  const [verb, file, ...more] = args
  if (verb === '--help' || verb === '-h' || verb === 'help') return say(usage)
  if (verb === '--version' || verb === '-v') return say(versionLine())
  const command = verb === undefined ? undefined : commands.get(verb)
  if (command === undefined) {
    return misuse(verb === undefined ? 'a command is needed' : `unknown command ${JSON.stringify(verb)}`)
  }
  if (file === '--help' || file === '-h') return say(usage)
  if (file === undefined) return misuse(`${verb} needs the path of a config.json`)
  if (more.length > 0 || file.startsWith('-')) return misuse(`${verb} takes one path and nothing else`)
  return await command(file)
}

/** zot's form: programs read the version from the start of `commit`. */
const versionLine = (): string =>
  printLine('info', 'version', {
    'distribution-spec': distributionSpec,
    commit: `v${version}`,
    'binary-type': 'zotbar-registry',
    'node version': process.version,
  })

function say(text: string): number {
  console.log(text)
  return 0
}

function misuse(problem: string): number {
  console.error(`zotbar-registry: ${problem}\n\n${usage}`)
  return 2
}

process.exit(await main(process.argv.slice(2)))
