// What runs on Node and in Electron, as inputs for Rolldown.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Threads of the core and of the registry: each is one file whose text its program carries. */
const threads = {
  core: ['storage/scan-worker'],
  registry: ['auth/password-worker', 'metadata/writer-worker'],
}
const external = ['electron', 'cpu-features', /\.node$/]

/**
 * Registry and core are one file each, but for the core's entry, which turns the compile cache on and loads the other at
 * once: nothing of theirs is loaded later, when the package may be gone. A library that a start does not need is only
 * parsed then, and made when it is first used.
 * @param rolldown its `build`, for the threads, which are built here
 * @returns the inputs for `build`
 */
export async function nodeBundles(rolldown, { root, version }) {
  const node = (define = {}) => ({
    platform: 'node',
    cwd: root,
    // Their CommonJS forms hide their parts from a bundler.
    resolve: {
      alias: {
        'jsonc-parser': join(root, 'node_modules/jsonc-parser/lib/esm/main.js'),
        yaml: join(root, 'node_modules/yaml/browser/dist/index.js'),
      },
    },
    transform: { define: { __ZOTBAR_VERSION__: JSON.stringify(version), ...define } },
    logLevel: 'warn',
  })
  const output = {
    format: 'esm',
    minify: false,
    sourcemap: false,
    // Licences stay.
    comments: { legal: true, annotation: false, jsdoc: false },
    entryFileNames: '[name].mjs',
    chunkFileNames: 'chunks/[name]-[hash].mjs',
    plugins: [asciiOnly],
  }
  const single = (name, input, define) => ({
    ...node(define),
    input,
    external,
    output: { ...output, dir: join('dist', name), codeSplitting: false },
  })
  /** Their texts by name, as a value of `define`. */
  const threadTexts = async program => {
    const texts = await Promise.all(
      threads[program].map(async thread => {
        const input = { ...node(), input: join(program, `${thread}.ts`), write: false }
        const built = await rolldown({ ...input, output: { ...output, codeSplitting: false } })
        return [thread.slice(thread.indexOf('/') + 1), built.output[0].code]
      }),
    )
    return JSON.stringify(Object.fromEntries(texts))
  }
  // What the sign-in pages of the registry load.
  const pageTexts = ['palette.css', 'page.css', 'page.js'].map(name => [
    name,
    readFileSync(join(root, 'registry/signin/page', name), 'utf8'),
  ])
  // For ssh2, whose addons are optional and never built: it goes on without them.
  const withoutAddons = { __dirname: 'import.meta.dirname' }
  const forCore = { ...withoutAddons, 'import.meta.threadTexts': await threadTexts('core') }
  const forRegistry = {
    'import.meta.pageTexts': JSON.stringify(Object.fromEntries(pageTexts)),
    'import.meta.threadTexts': await threadTexts('registry'),
  }
  return [
    { ...single('core', { main: 'core/main.ts' }), plugins: [bodyApart] },
    single('core', { core: coreBody }, forCore),
    // The menu-bar app lies in an archive that Node cannot read: it shares no file with what Node runs.
    single('main', { main: 'main/main.ts' }, withoutAddons),
    single('registry', { 'zotbar-registry': 'registry/main.ts' }, forRegistry),
    // A command is over at once: it loads no more than its verb needs.
    {
      ...node(withoutAddons),
      input: { 'cli/main': 'cli/main.ts' },
      external,
      output: { ...output, dir: 'dist' },
    },
    // A sandboxed preload is one CommonJS file that may require nothing but electron.
    {
      ...node(),
      input: { preload: 'preload/preload.ts' },
      external: ['electron'],
      output: {
        ...output,
        format: 'cjs',
        dir: 'dist/preload',
        entryFileNames: '[name].cjs',
        codeSplitting: false,
      },
    },
  ]
}

/** What the entry of the core loads, and the build makes the file beside it. */
const coreBody = 'core/app/run-process.ts'

const bodyApart = {
  name: 'body-apart',
  resolveId(name, importer, { kind }) {
    if (kind !== 'dynamic-import' || !importer?.endsWith('/core/main.ts')) return null
    if (`core/${name.slice(2)}` !== coreBody)
      throw new Error(`core/main.ts loads ${name} and not ${coreBody}`)
    return { id: './core.mjs', external: true }
  },
}

/** The engine keeps a text of ASCII in half the memory that another one takes. */
const asciiOnly = {
  name: 'ascii-only',
  renderChunk(code) {
    const escaped = /\\[^\0-\x7f]|String\.raw`[^`]*[^\0-\x7f]/.exec(code)
    if (escaped) throw new Error(`this cannot be written in ASCII: ${escaped[0]}`)
    return { code: code.replace(/[^\0-\x7f]/g, escapeOf), map: null }
  },
}

const escapeOf = unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
