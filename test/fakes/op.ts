import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('op/op.mjs', import.meta.url))

/** How the pretended `op` behaves: '' is well. */
export type OpMode =
  | ''
  | 'signed-out'
  | 'not-signed-in'
  | 'expired'
  | 'no-accounts'
  | 'dismissed'
  | 'timeout'
  | 'no-app'
  | 'slow'
  | 'refuses'
  | 'other'
  | 'forgets'

/** A folder with an `op` in it that keeps its items in files. `bin` goes onto PATH, `environment` to the app. */
export function fakeOp(folder: string) {
  const bin = join(folder, 'op-bin')
  const store = join(folder, 'op-store')
  mkdirSync(bin)
  mkdirSync(store)
  chmodSync(program, 0o755)
  symlinkSync(program, join(bin, 'op'))
  const fileOf = (vault: string, item: string) => join(store, vault, `${item}.json`)
  return {
    bin,
    environment: { OP_FAKE_STORE: store },
    mode: (mode: OpMode) => writeFileSync(join(store, 'mode'), mode),
    put(vault: string, item: string, fields: Record<string, string>) {
      mkdirSync(join(store, vault), { recursive: true })
      writeFileSync(fileOf(vault, item), JSON.stringify(fields))
    },
    fields: (vault: string, item: string): Record<string, string> =>
      JSON.parse(readFileSync(fileOf(vault, item), 'utf8')),
    calls(): string[][] {
      const file = join(store, 'calls')
      if (!existsSync(file)) return []
      return readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map(line => JSON.parse(line))
    },
  }
}
