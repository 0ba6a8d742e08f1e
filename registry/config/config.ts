import { extensionsShape } from './extensions-shape.ts'
import type { ConfigFormat } from './format.ts'
import { httpShape, tlsShape } from './http-shape.ts'
import type { ConfigProblem, Position } from './problem.ts'
import {
  block,
  checked,
  invalid,
  type Notes,
  needed,
  object,
  optional,
  problemAt,
  type ReadBy,
  refuse,
  required,
  withDefault,
} from './reader.ts'
import { integer, oneOf, text, texts } from './scalar.ts'
import { storageShape } from './storage-shape.ts'
import { parseTree } from './tree.ts'

/** The OCI distribution specification that a config.json without the key is read for. */
const distSpecVersion = '1.1.1'

const logLevels = ['trace', 'debug', 'info', 'warn', 'warning', 'error', 'fatal', 'panic'] as const

/**
 * zot's config.json: every key it knows, with its defaults. The same table reads the file and gives `Config`.
 * https://zotregistry.dev/latest/admin-guide/admin-configuration/
 */
const configShape = checked(
  object({
    distSpecVersion: withDefault(text, distSpecVersion),
    storage: needed(storageShape),
    http: needed(httpShape),
    log: object({
      level: withDefault(oneOf(logLevels), 'debug'),
      /** Files; absent: standard output, and no audit log. */
      output: optional(text),
      audit: optional(text),
    }),
    extensions: block(extensionsShape),
    scheduler: optional(object({ numWorkers: optional(integer(0)) })),
    cluster: optional(object({ members: texts, hashKey: required(text), tls: optional(tlsShape) })),
  }),
  (config, cursor) => {
    if (config.distSpecVersion !== distSpecVersion) {
      const at = {
        ...cursor,
        path: 'distSpecVersion',
        at: cursor.notes.positions['distSpecVersion'] ?? cursor.at,
      }
      const message = `${JSON.stringify(config.distSpecVersion)} differs from the version that is served`
      cursor.notes.warnings.push(problemAt(at, 'not-allowed', message, distSpecVersion))
    }
    const { compat } = config.http
    for (const [index, registry] of (config.extensions?.sync?.registries ?? []).entries()) {
      if (!registry.preserveDigest || compat.length > 0) continue
      const path = `extensions.sync.registries[${index}].preserveDigest`
      const at = { ...cursor, path, at: cursor.notes.positions[path] ?? cursor.at }
      return refuse(at, 'conflict', '"preserveDigest" needs "http.compat"')
    }
    return undefined
  },
)

/**
 * config.json, read. Durations are ms, the port is a number (0: the kernel chooses), absent blocks are
 * undefined, maps have lower-case keys. Plain data.
 */
export type Config = ReadBy<typeof configShape>

export type ParsedConfig =
  | {
      ok: true
      config: Config
      warnings: ConfigProblem[]
      /** Where each key of the file stands, by key path ("http.port"). */
      positions: Record<string, Position>
    }
  | { ok: false; problems: ConfigProblem[]; warnings: ConfigProblem[] }

export interface ParseOptions {
  format?: ConfigFormat
  /**
   * Which registry will read the file. zot decides itself what is valid: what this parser does not understand is then
   * a warning and is read as absent, and only what says where it answers and where its data lies is refused.
   */
  engine?: 'zotbar-registry' | 'zot'
}

/**
 * Reads the text of a config file as zot does: keys without regard to case, numbers, texts and truth values in place of
 * each other, one value where a list is wanted, unknown keys refused, defaults applied. Reports every problem at once,
 * in the order of the file. Never throws.
 */
export function parseConfig(
  text: string,
  { format = 'json', engine = 'zotbar-registry' }: ParseOptions = {},
): ParsedConfig {
  const tree = parseTree(text, format)
  if (!tree.ok) return { ok: false, problems: [tree.problem], warnings: [] }
  const { root: node, warnings: ofFile } = tree
  const notes: Notes = { isLenient: engine === 'zot', problems: [], warnings: [...ofFile], positions: {} }
  if (node.type !== 'Object') {
    const message = 'the file must hold one object, with keys such as "storage" and "http"'
    return { ok: false, problems: [{ code: 'wrong-type', message, ...node.at }], warnings: [] }
  }
  const config = configShape({ node, path: '', at: node.at, notes })
  const problems = notes.problems.sort(byPosition)
  const warnings = notes.warnings.sort(byPosition)
  if (config === invalid || problems.length > 0) return { ok: false, problems, warnings }
  return { ok: true, config, warnings, positions: notes.positions }
}

function byPosition(a: ConfigProblem, b: ConfigProblem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
