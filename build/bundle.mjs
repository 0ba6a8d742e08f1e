// Builds everything that runs: the core and the command line, the menu-bar app, the registry, the preload, the renderer. About two seconds.
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeBundles } from './node-bundles.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'dist', 'built')
const sources = [
  'contract',
  'lib',
  'ssh',
  'client',
  'cli',
  'core',
  'main',
  'preload',
  'renderer',
  'registry',
  'build',
  'package.json',
  'package-lock.json',
  'vite.config.ts',
]

/** Newest modification time below a path, in ms since the epoch. */
function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return 0
  if (!stat.isDirectory()) return stat.mtimeMs
  return readdirSync(path).reduce((max, name) => Math.max(max, newest(join(path, name))), stat.mtimeMs)
}

export function isStale() {
  const built = statSync(stamp, { throwIfNoEntry: false })
  return !built || sources.some(name => newest(join(root, name)) > built.mtimeMs)
}

/** Names and contents of all files below a folder as 16 hex digits: the same for the same output. */
function hashOf(folder) {
  const hash = createHash('sha256')
  for (const name of globSync('**', { cwd: folder, withFileTypes: false }).sort()) {
    const file = join(folder, name)
    if (!statSync(file).isFile()) continue
    const content = readFileSync(file)
    hash.update(`${name}\0${content.length}\0`).update(content)
  }
  return hash.digest('hex').slice(0, 16)
}

export async function bundle() {
  const started = Date.now()
  const { build: rolldown } = await import('rolldown')
  const { build: vite } = await import('vite')
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  rmSync(join(root, 'dist'), { recursive: true, force: true })

  await rolldown(await nodeBundles(rolldown, { root, version }))
  await vite({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
  mkdirSync(dirname(stamp), { recursive: true })
  const registry = createHash('sha256')
    .update(readFileSync(join(root, 'dist', 'registry', 'zotbar-registry.mjs')))
    .digest('hex')
  const identity = { build: hashOf(join(root, 'dist')), version, registry }
  writeFileSync(join(root, 'dist', 'build.json'), `${JSON.stringify(identity)}\n`)
  writeFileSync(stamp, version)
  return Date.now() - started
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--if-stale') || isStale())
    try {
      console.error(`Built in ${((await bundle()) / 1000).toFixed(1)} s`)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      console.error(`Zotbar could not be built. The build says:\n${message}`)
      process.exitCode = 1
    }
}
