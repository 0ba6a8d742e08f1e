import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseSync } from 'oxc-parser'
import { describe, expect, it } from 'vitest'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Every import of a file, static, dynamic and type-only: as a path from the root, or as a package name. */
function importsOf(file: string, text: string): string[] {
  const { module } = parseSync(file, text)
  const fixed = [
    ...module.staticImports.map(i => i.moduleRequest.value),
    ...module.staticExports.flatMap(e => e.entries.flatMap(x => x.moduleRequest?.value ?? [])),
  ]
  const dynamic = module.dynamicImports.map(i =>
    text.slice(i.moduleRequest.start, i.moduleRequest.end).replace(/^['"`]|['"`]$/g, ''),
  )
  return [...fixed, ...dynamic].map(name =>
    name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name,
  )
}

const sources = [
  'contract',
  'cli',
  'client',
  'ssh',
  'lib',
  'main',
  'preload',
  'renderer',
  'registry',
].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name))
    .map(name => join(folder, name)),
)

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
const isOurs = under(
  'contract',
  'cli',
  'client',
  'ssh',
  'lib',
  'main',
  'preload',
  'renderer',
  'registry',
  'test',
)
const isNode = (name: string) => name.startsWith('node:')

/** The second level of main/: "main/health/port.ts" -> "health"; the entries and app.ts are no feature. */
const feature = (path: string) => /^main\/([^/]+)\//.exec(path)?.[1]
/** What every feature may use: small things without a life of their own. */
const shared = new Set(['platform'])
/** Rooms that compose others: each names what it may open. */
const composes: Record<string, string[]> = {
  cli: ['transport', 'shell'],
  shell: ['transport', 'notices'],
  gate: ['runbook'],
  'engine-switch': ['engine', 'gate', 'runbook'],
  releases: ['engine'],
  rotation: ['gate', 'runbook', 'secrets', 'sinks'],
  upgrade: ['engine', 'gate', 'releases', 'runbook'],
  sinks: ['hosts'],
  'source-build': ['hosts'],
}

const rules = [
  {
    says: 'lib imports nothing of ours',
    applies: under('lib'),
    allows: (to: string) => !isOurs(to) || under('lib')(to),
  },
  {
    says: 'ssh imports the contract and lib',
    applies: under('ssh'),
    allows: (to: string) => !isOurs(to) || under('ssh', 'lib', 'contract')(to),
  },
  {
    says: 'the contract imports nothing but its schema library',
    applies: (from: string) => under('contract')(from) && !under('contract/messages')(from),
    allows: (to: string) => to === 'valibot' || under('contract')(to),
  },
  {
    says: 'words import the contract only',
    applies: under('contract/messages'),
    allows: under('contract', 'contract/messages'),
  },
  {
    says: 'the renderer imports the contract, words, React and the virtual list',
    applies: under('renderer'),
    allows: (to: string) =>
      under('renderer', 'contract', 'contract/messages')(to) ||
      /^(react(-dom)?|@tanstack\/react-virtual)(\/|$)/.test(to),
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
      !isOurs(to) ||
      under('renderer/views', 'renderer/ui', 'renderer/bridge', 'contract', 'contract/messages')(to),
  },
  {
    says: 'the registry imports itself, lib and libraries',
    applies: under('registry'),
    allows: (to: string) => (!isOurs(to) || under('registry', 'lib')(to)) && to !== 'electron',
  },
  {
    says: 'storage never sees HTTP',
    applies: under('registry/storage'),
    allows: (to: string) => !under('registry/http', 'registry/routes')(to) && to !== 'node:http',
  },
  {
    says: 'oci is pure',
    applies: under('registry/oci'),
    allows: (to: string) => !isOurs(to) || under('registry/oci')(to),
  },
  {
    says: 'config is pure but for load.ts',
    applies: (from: string) => under('registry/config')(from) && !from.endsWith('/load.ts'),
    allows: (to: string) => !isNode(to),
  },
  {
    says: 'main imports of the registry only its config, and nothing of the renderer',
    applies: under('main'),
    allows: (to: string) => !under('registry', 'renderer', 'test')(to) || under('registry/config')(to),
  },
  {
    says: 'a feature of main imports no other feature',
    applies: (from: string) => feature(from) !== undefined,
    allows: (to: string, from: string) => {
      const own = feature(from)
      const other = feature(to)
      return other === undefined
        ? !to.startsWith('main/') || own === 'cli' || own === 'shell'
        : other === own || shared.has(other) || (composes[own ?? ''] ?? []).includes(other)
    },
  },
  {
    says: 'electron is imported only by its shell, its entry and the preload',
    applies: (from: string) =>
      !(from === 'main/electron.ts' || from === 'preload/preload.ts' || under('main/shell/electron')(from)),
    allows: (to: string) => to !== 'electron',
  },
]

describe('who may import whom', () => {
  const edges = sources.flatMap(file =>
    importsOf(file, readFileSync(join(root, file), 'utf8')).map(to => ({ from: file, to })),
  )

  it('reads the imports of every source', () => {
    expect(sources.length).toBeGreaterThan(20)
    expect(edges.length).toBeGreaterThan(sources.length)
  })

  it('keeps the rules', () => {
    expect(breaches(edges)).toEqual([])
  })

  it('would notice a breach', () => {
    const planted = [
      { from: 'main/health/port.ts', to: 'main/storage/scan.ts' },
      { from: 'main/supervisor/run.ts', to: 'electron' },
      { from: 'registry/storage/blobs.ts', to: 'registry/http/server.ts' },
      { from: 'renderer/ui/button.tsx', to: 'contract/messages/format.ts' },
      { from: 'main/app.ts', to: 'registry/routes/blobs.ts' },
      { from: 'contract/contract.ts', to: 'node:fs' },
    ]
    expect(breaches(planted)).toHaveLength(planted.length)
  })

  it('finds raw IPC in one file per side', () => {
    const users = sources.filter(file =>
      /\b(ipcMain|ipcRenderer)\b/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(
      users.filter(
        file => !['main/shell/electron/ipc.ts', 'preload/preload.ts', 'main/electron.ts'].includes(file),
      ),
    ).toEqual([])
  })

  it('keeps window.zotbar within the bridge', () => {
    const users = sources.filter(
      file => file.startsWith('renderer/') && /window\.zotbar/.test(readFileSync(join(root, file), 'utf8')),
    )
    expect(users.filter(file => !file.startsWith('renderer/bridge/'))).toEqual([])
  })
})
