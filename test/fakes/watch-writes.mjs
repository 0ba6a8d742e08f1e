// Loaded into a process by `node --import`: writes down every path that the process opens for writing or changes
// otherwise, a line each, into the file that WATCH_WRITES names.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { resolve } from 'node:path'

const target = process.env.WATCH_WRITES
const { openSync, writeSync } = fs
const log = target === undefined ? -1 : openSync(target, 'a', 0o600)
let noting = false

/** Writing it down is no write of the process itself. */
function note(line) {
  if (noting) return
  noting = true
  writeSync(log, line)
  noting = false
}

const { O_WRONLY, O_RDWR, O_CREAT } = fs.constants
const writes = flags =>
  typeof flags === 'number' ? (flags & (O_WRONLY | O_RDWR | O_CREAT)) !== 0 : /[wa+]/.test(flags ?? 'r')

/** Which arguments of a function are paths that it changes. */
const changed = {
  appendFile: [0],
  chmod: [0],
  chown: [0],
  copyFile: [1],
  cp: [1],
  createWriteStream: [0],
  lchown: [0],
  link: [1],
  lutimes: [0],
  mkdir: [0],
  mkdtemp: [0],
  rename: [0, 1],
  rm: [0],
  rmdir: [0],
  symlink: [1],
  truncate: [0],
  unlink: [0],
  utimes: [0],
  writeFile: [0],
}

function watch(module, name, paths) {
  const original = module[name]
  if (typeof original !== 'function') return
  module[name] = function (...args) {
    for (const at of paths(args))
      if (typeof args[at] === 'string' || args[at] instanceof URL)
        note(`${name} ${resolve(String(args[at]))}\n`)
    return original.apply(this, args)
  }
}

if (target !== undefined) {
  for (const module of [fs, fs.promises]) {
    for (const [name, at] of Object.entries(changed))
      for (const each of [name, `${name}Sync`]) watch(module, each, () => at)
    for (const name of ['open', 'openSync']) watch(module, name, args => (writes(args[1]) ? [0] : []))
  }
  syncBuiltinESMExports()
}
