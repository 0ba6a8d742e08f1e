import { type ConfigCheck, createConfigCheck, readConsent } from './config/open-consent.ts'
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

Other machines are served only where people are asked who they are (http.auth). "--open ADDRESS:PORT" before the path,
of serve and verify, agrees that there they are not. It holds for what everybody may do at the start; a config.json
that grants more later is refused.

Exit codes: 0 done, 1 failed, 2 wrong usage`

const commands = new Map<string, (file: string, check: ConfigCheck) => Promise<number>>([
  ['serve', serve],
  ['verify', verify],
  ['scrub', file => scrub(file)],
])

async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args
  const { open, words } = withoutOpen(rest)
  const [file, ...more] = words
  if (verb === '--help' || verb === '-h' || verb === 'help') return say(usage)
  if (verb === '--version' || verb === '-v') return say(versionLine())
  const command = verb === undefined ? undefined : commands.get(verb)
  if (command === undefined) {
    return misuse(verb === undefined ? 'a command is needed' : `unknown command ${JSON.stringify(verb)}`)
  }
  if (file === '--help' || file === '-h') return say(usage)
  if (open !== undefined && verb === 'scrub') return misuse('scrub serves nobody, so it takes no --open')
  if (file === undefined) return misuse(`${verb} needs the path of a config.json`)
  if (more.length > 0 || file.startsWith('-')) return misuse(`${verb} takes one path and nothing else`)
  // What the core hands over is for what it starts.
  const consented = readConsent(open, verb === 'serve' ? process.env : {})
  return consented.ok ? await command(file, createConfigCheck(consented.consent)) : misuse(consented.message)
}

/** The value of `--open`, and the words without it. */
function withoutOpen(words: readonly string[]): { open?: string; words: string[] } {
  const at = words.findIndex(word => word === '--open' || word.startsWith('--open='))
  const word = words[at]
  if (word === undefined) return { words: [...words] }
  const isJoined = word !== '--open'
  const open = isJoined ? word.slice('--open='.length) : words[at + 1]
  return { open: open ?? '', words: words.toSpliced(at, isJoined ? 1 : 2) }
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
