// Builds everything that runs: the app and the CLI, the registry, the preload, the renderer. About two seconds.
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

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

  // What the sign-in pages of the registry load: its program carries the texts.
  const pageTexts = Object.fromEntries(
    ['palette.css', 'page.css', 'page.js'].map(name => [
      name,
      readFileSync(join(root, 'registry/signin/page', name), 'utf8'),
    ]),
  )
  const node = {
    platform: 'node',
    cwd: root,
    // Its CommonJS form hides its parts from a bundler.
    resolve: { alias: { 'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js') } },
    transform: { define: { __ZOTBAR_VERSION__: JSON.stringify(version) } },
    logLevel: 'warn',
  }
  const output = {
    format: 'esm',
    minify: false,
    sourcemap: false,
    entryFileNames: '[name].mjs',
    chunkFileNames: 'chunks/[name]-[hash].mjs',
  }
  await rolldown([
    {
      ...node,
      // For ssh2, whose addons are optional and never built: it goes on without them.
      transform: { define: { ...node.transform.define, __dirname: 'import.meta.dirname' } },
      input: {
        'core/main': 'core/main.ts',
        'cli/main': 'cli/main.ts',
        // A thread is started from a file of its own.
        'core/scan-worker': 'core/storage/scan-worker.ts',
      },
      external: ['cpu-features', /\.node$/],
      output: { ...output, dir: 'dist' },
    },
    // The menu-bar app lies in an archive that Node cannot read: it shares no file with what Node runs.
    {
      ...node,
      transform: { define: { ...node.transform.define, __dirname: 'import.meta.dirname' } },
      input: { main: 'main/main.ts' },
      external: ['electron', 'cpu-features', /\.node$/],
      output: { ...output, dir: 'dist/main', codeSplitting: false },
    },
    {
      ...node,
      transform: { define: { ...node.transform.define, 'import.meta.pageTexts': JSON.stringify(pageTexts) } },
      input: { 'zotbar-registry': 'registry/main.ts' },
      output: { ...output, dir: 'dist/registry' },
    },
    // A thread of the registry is one file: its text is all that it is started from.
    ...['auth/password-worker', 'metadata/writer-worker'].map(thread => ({
      ...node,
      input: `registry/${thread}.ts`,
      output: { ...output, dir: 'dist/registry', codeSplitting: false },
    })),
    // A sandboxed preload is one CommonJS file that may require nothing but electron.
    {
      ...node,
      input: { preload: 'preload/preload.ts' },
      external: ['electron'],
      output: { format: 'cjs', dir: 'dist/preload', entryFileNames: '[name].cjs', codeSplitting: false },
    },
  ])
  await vite({ configFile: join(root, 'vite.config.ts'), logLevel: 'warn' })
  mkdirSync(dirname(stamp), { recursive: true })
  writeFileSync(
    join(root, 'dist', 'build.json'),
    `${JSON.stringify({ build: hashOf(join(root, 'dist')), version })}\n`,
  )
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
