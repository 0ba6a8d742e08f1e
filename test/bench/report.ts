import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { cpus, loadavg, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { metOf, type Row, ratioOf } from './figure.ts'

const root = join(import.meta.dirname, '..', '..')

/** Where and with what the figures were taken: without it a number says nothing. */
export async function circumstances(peer: string | undefined): Promise<Record<string, unknown>> {
  const manifest: unknown = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return {
    zotbar: typeof manifest === 'object' && manifest !== null ? Reflect.get(manifest, 'version') : undefined,
    commit: first('git', ['-C', root, 'describe', '--always', '--dirty', '--abbrev=12']),
    node: process.version,
    peer: peer === undefined ? undefined : first('docker-registry', ['--version']),
    machine: {
      system: `${platform()} ${release()}`,
      processor: cpus()[0]?.model,
      cores: cpus().length,
      memoryBytes: totalmem(),
      loadBefore: loadavg().map(load => Number(load.toFixed(2))),
    },
  }
}

/** First line a program prints, or undefined. */
function first(program: string, args: string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(
      '\n',
    )[0]
  } catch {
    return undefined
  }
}

/** Writes everything that was measured, every sample included; returns the file's path. */
export async function writeReport(
  at: Date,
  about: Record<string, unknown>,
  rows: readonly Row[],
  skips: readonly { figure: string; why: string }[],
): Promise<string> {
  const folder = join(root, 'bench-results')
  await mkdir(folder, { recursive: true })
  const file = join(folder, `${at.toISOString().replace(/[:.]/g, '-')}.json`)
  const figures = rows.map(row => ({ ...row, ratio: ratioOf(row), met: metOf(row) }))
  await writeFile(
    file,
    `${JSON.stringify({ at: at.toISOString(), ...about, figures, skipped: skips }, undefined, 2)}\n`,
  )
  return file
}
