// `npm start`: builds what changed, then runs the menu-bar app where Electron can run, else the headless one.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeMissing, pinnedNode, runsOnThisNode } from './bin/pinned-node.mjs'
import { isStale } from './bundle.mjs'
import { chooseShell, electronBinary, lastFailure, rememberFailure } from './shell-choice.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const downloadLimit = 120_000
/** How a program ends that the system could not run: no sandbox, no graphics, a library that is missing. */
const cannotRun = new Set(['SIGTRAP', 'SIGABRT', 'SIGSEGV', 'SIGILL', 127])

const args = process.argv.slice(2)
const node = runsOnThisNode() ? process.execPath : pinnedNode()
if (!node) {
  console.error(nodeMissing())
  process.exit(1)
}
if (isStale()) {
  const built = spawnSync(node, [join(root, 'build', 'bundle.mjs')], { stdio: ['ignore', 2, 2] })
  if (built.status !== 0) process.exit(1)
}

const facts = () => ({
  args,
  platform: process.platform,
  env: process.env,
  uid: process.getuid?.(),
  binary: electronBinary(root, process.env),
  failedAt: lastFailure(root),
  now: Date.now(),
})
let choice = chooseShell(facts())
if (choice.shell === 'download') {
  await download()
  choice = chooseShell(facts())
}
if (choice.shell === 'electron') {
  const started = Date.now()
  const { ELECTRON_RUN_AS_NODE: _, ...env } = process.env
  const end = await run(choice.binary, [root, ...args], env)
  if (!cannotRun.has(end.signal ?? end.code) || Date.now() - started > 10_000) await leave(end)
  choice = { shell: 'headless', why: `Electron cannot run here (it ended with ${end.signal ?? end.code})` }
  // It may have started a core, which would go on in the background: it makes room, and its registry is taken over.
  const quit = [join(root, 'dist', 'cli', 'main.mjs'), 'quit', '--orphan', '--keep-serving']
  const ended = await run(node, quit, process.env, 'ignore')
  if (ended.signal) await leave(ended)
}
if (choice.why !== undefined) console.error(`Running headless: ${choice.why}.`)
// What was meant for npm may not change the core, and Node reads it before the core can drop it.
const meantForNode = name => name.startsWith('NODE_') && name !== 'NODE_EXTRA_CA_CERTS'
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !meantForNode(name)))
await leave(
  await run(node, ['--disable-sigusr1', join(root, 'dist', 'core', 'main.mjs'), 'start', ...args], env),
)

/** Runs Electron's own installer, which checks what it gets against the package's checksums. */
async function download() {
  const installer = join(root, 'node_modules', 'electron', 'install.js')
  if (existsSync(installer)) {
    console.error(
      'Getting Electron for the menu bar; this happens once. (npm start -- --headless does without.)',
    )
    const started = Date.now()
    const progress = setInterval(
      () => console.error(`Still getting it, for ${Math.round((Date.now() - started) / 1000)} s now.`),
      15_000,
    )
    const { signal } = await run(node, [installer], process.env, ['ignore', 2, 2], downloadLimit)
    clearInterval(progress)
    if (signal === 'SIGTERM' || signal === 'SIGINT' || signal === 'SIGHUP') await leave({ signal })
    if (signal) console.error(`It took more than ${downloadLimit / 1000} s and was ended.`)
  }
  rememberFailure(root, electronBinary(root, process.env) ? undefined : Date.now())
}

/** Runs a program on this terminal and passes signals on; it decides when a signal ends it, within `limit` ms. */
function run(command, parts, env, stdio = 'inherit', limit) {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  const pass = signal => child.kill(signal)
  // Before the program is there: a signal that comes at once must not end this process and leave that one behind.
  for (const signal of signals) process.on(signal, pass)
  const child = spawn(command, parts, { stdio, env })
  const late = limit && setTimeout(() => child.kill('SIGKILL'), limit)
  return new Promise(resolve => {
    const done = end => {
      for (const signal of signals) process.off(signal, pass)
      clearTimeout(late)
      resolve(end)
    }
    child.on('error', () => done({ code: 127 }))
    child.on('exit', (code, signal) => done({ code, signal }))
  })
}

/** Ends as the program ended, and never returns. */
async function leave({ code, signal }) {
  if (!signal) process.exit(code ?? 1)
  process.kill(process.pid, signal)
  await new Promise(() => {})
}
