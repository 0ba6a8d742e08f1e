import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Every import of a file, static, dynamic and of types: as a path from the root, or as a package name. */
function importsOf(file: string, text: string): string[] {
  const { module } = parseSync(file, text)
  const fixed = [
    ...module.staticImports.map(i => i.moduleRequest.value),
    ...module.staticExports.flatMap(e => e.entries.flatMap(x => x.moduleRequest?.value ?? [])),
  ]
  // `import('./a.ts')`, as a call or within a type.
  const inline = [...text.matchAll(/\bimport\(\s*(['"`])([^'"`]+)\1/g)].map(found => found[2] ?? '')
  return [...fixed, ...inline].map(name =>
    name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name,
  )
}

/** Each is one process, or what several processes share. */
const folders = [
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
] as const

const filesIn = (folder: string, names: RegExp): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => names.test(name))
    .map(name => join(folder, name))

const edgesFrom = (files: readonly string[]): Edge[] =>
  files.flatMap(file =>
    importsOf(file, readFileSync(join(root, file), 'utf8')).map(to => ({ from: file, to })),
  )

const sources = folders.flatMap(folder => filesIn(folder, /\.tsx?$/))

interface Edge {
  from: string
  to: string
}

function breaches(edges: Edge[]): string[] {
  return edges.flatMap(({ from, to }) => {
    const broken = rules.filter(rule => rule.applies(from) && !rule.allows(to, from))
    return broken.map(rule => `${from} imports ${to}: ${rule.says}`)
  })
}

const under =
  (...folders: string[]) =>
  (path: string) =>
    folders.some(folder => path === folder || path.startsWith(`${folder}/`))
const isOurs = under(...folders, 'test')
const isNode = (name: string) => name.startsWith('node:')

/** What each folder may import of the others. */
const mayImport: Record<(typeof folders)[number], readonly string[]> = {
  contract: [],
  lib: [],
  // A command that failed is told with the contract's failures.
  ssh: ['lib', 'contract'],
  client: ['contract', 'lib', 'ssh'],
  cli: ['contract', 'lib', 'client'],
  core: ['contract', 'lib', 'ssh', 'registry/config'],
  main: ['contract', 'lib', 'client'],
  preload: ['contract'],
  renderer: ['contract'],
  registry: ['lib'],
}

/** The second level of core/: "core/health/port-probe.ts" -> "health"; its entry is no feature. */
const feature = (path: string) => /^core\/([^/]+)\//.exec(path)?.[1]
/** The ground floor, which every feature may use. */
const ground = ['platform', 'runbook', 'verify']
/** The runbooks, and the features that each is made of. */
const runbooks: Record<string, string[]> = {
  'engine-switch': ['engine', 'registry-config', 'settings', 'supervisor'],
  rotation: ['secrets', 'settings', 'sinks'],
  upgrade: ['advisories', 'engine', 'registry-config', 'releases', 'settings', 'source-build', 'supervisor'],
}

const rules = [
  ...folders.map(folder => ({
    says: `${folder} imports of ours only ${[folder, ...mayImport[folder]].join(', ')}`,
    applies: under(folder),
    allows: (to: string) => !isOurs(to) || under(folder, ...mayImport[folder])(to),
  })),
  {
    says: 'the contract imports nothing but its schema library',
    applies: under('contract'),
    allows: (to: string) => isOurs(to) || to === 'valibot',
  },
  {
    says: 'the table of the contract knows nothing of messages',
    applies: (from: string) => under('contract')(from) && !under('contract/messages')(from),
    allows: (to: string) => !under('contract/messages')(to),
  },
  {
    says: 'the renderer imports React, the virtual list, and no Node',
    applies: under('renderer'),
    allows: (to: string) => isOurs(to) || /^(react(-dom)?|@tanstack\/react-virtual)(\/|$)/.test(to),
  },
  {
    says: 'ui imports nothing of ours',
    applies: under('renderer/ui'),
    allows: (to: string) => !isOurs(to) || under('renderer/ui')(to),
  },
  {
    says: 'views do not import other entries',
    applies: under('renderer/views'),
    allows: (to: string) =>
      !isOurs(to) || under('renderer/views', 'renderer/ui', 'renderer/bridge', 'contract')(to),
  },
  {
    says: 'storage never sees HTTP',
    applies: under('registry/storage'),
    allows: (to: string) => !under('registry/http', 'registry/routes')(to) && to !== 'node:http',
  },
  {
    says: 'oci is pure, and so are the two files of lib that it uses',
    applies: under('registry/oci'),
    allows: (to: string) => !isOurs(to) || under('registry/oci', 'lib/json.ts', 'lib/store-names.ts')(to),
  },
  {
    says: 'config is pure but for load.ts',
    applies: (from: string) => under('registry/config')(from) && !from.endsWith('/load.ts'),
    allows: (to: string) => !isNode(to),
  },
  {
    says: 'a feature of the core imports no other feature',
    applies: (from: string) => feature(from) !== undefined && feature(from) !== 'app',
    allows: (to: string, from: string) => {
      const other = feature(to)
      if (other === undefined) return to !== 'core/main.ts'
      return [feature(from), ...ground, ...(runbooks[feature(from) ?? ''] ?? [])].includes(other)
    },
  },
  {
    says: 'electron is imported only by main and the preload',
    applies: (from: string) => !under('main', 'preload')(from),
    allows: (to: string) => to !== 'electron',
  },
]

describe('who may import whom', () => {
  const edges = edgesFrom(sources)

  it('reads the imports of every source', () => {
    expect(sources.length).toBeGreaterThan(20)
    expect(edges.length).toBeGreaterThan(sources.length)
  })

  it('keeps the rules', () => {
    expect(breaches(edges)).toEqual([])
  })

  it('would notice a breach', () => {
    const planted = [
      { from: 'core/health/port-probe.ts', to: 'core/storage/scan.ts' },
      { from: 'core/supervisor/supervisor.ts', to: 'electron' },
      { from: 'registry/storage/blobs.ts', to: 'registry/http/server.ts' },
      { from: 'renderer/ui/button.tsx', to: 'contract/messages/format.ts' },
      { from: 'core/app/app.ts', to: 'registry/routes/blobs.ts' },
      { from: 'contract/contract.ts', to: 'node:fs' },
      { from: 'cli/status.ts', to: 'core/app/app.ts' },
      { from: 'main/main.ts', to: 'core/app/boot.ts' },
      { from: 'lib/clock.ts', to: 'contract/result.ts' },
    ]
    expect(breaches(planted)).toHaveLength(planted.length)
  })

  it('finds raw IPC in one file per side', () => {
    const users = sources.filter(file =>
      /\b(ipcMain|ipcRenderer)\b/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(
      users.filter(file => !['main/ipc.ts', 'preload/preload.ts', 'main/main.ts'].includes(file)),
    ).toEqual([])
  })

  it('keeps window.zotbar within the bridge', () => {
    const users = sources.filter(
      file => file.startsWith('renderer/') && /window\.zotbar/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(users.filter(file => !file.startsWith('renderer/bridge/'))).toEqual([])
  })
})

/** Cycles of files that import each other, each as the files on the way round. */
function cyclesOf(edges: readonly Edge[]): string[][] {
  const importsFrom = Map.groupBy(edges, edge => edge.from)
  const cycles: string[][] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const from = path.indexOf(file)
    if (from >= 0) cycles.push([...path.slice(from), file])
    if (from >= 0 || done.has(file)) return
    for (const { to } of importsFrom.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of importsFrom.keys()) visit(file, [])
  return cycles
}

describe('cycles of imports', () => {
  it('are not there, types included', () => {
    const all = [...sources, ...filesIn('test', /\.tsx?$/), ...filesIn('build', /(?<!\.d)\.m[jt]s$/)]
    expect(cyclesOf(edgesFrom(all)).map(cycle => cycle.join(' -> '))).toEqual([])
  })

  it('would be noticed', () => {
    const edge = (line: string) => ({ from: line[0] ?? '', to: line[1] ?? '' })
    expect(cyclesOf(['ab', 'bc', 'ca', 'ad', 'dc'].map(edge))).toEqual([['a', 'b', 'c', 'a']])
    expect(cyclesOf(['ab', 'bb'].map(edge))).toEqual([['b', 'b']])
    expect(cyclesOf(['ab', 'ac', 'bd', 'cd'].map(edge))).toEqual([])
    const text =
      "import type { A } from './a.ts'\nexport type { B } from './b.ts'\ntype C = import('./c.ts').C\n"
    expect(importsOf('lib/d.ts', text)).toEqual(['lib/a.ts', 'lib/b.ts', 'lib/c.ts'])
  })
})
