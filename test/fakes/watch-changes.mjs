// Loaded into a process by `node --import`: writes down every call that changes something that was there before and that
// the process did not make: its mode, owner, length or name, or that it is there. A line each, `program call path`, into
// the file that WATCH_CHANGES names. Programs that it starts are watched too.
import childProcess from 'node:child_process'
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { basename, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const target = process.env.WATCH_CHANGES
const self = import.meta.url
const { openSync, writeSync, lstatSync, fstatSync } = fs
const log = target === undefined ? -1 : openSync(target, 'a', 0o600)
const program = basename(process.argv[1] ?? '-e')

const idOf = found => `${found.dev}:${found.ino}`
/** What this process made, by device and inode: they stay under every name. */
const made = new Set()
const pathsOf = new Map()

function look(path) {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

function note(call, path, found = look(path)) {
  if (found !== undefined && !made.has(idOf(found))) writeSync(log, `${program} ${call} ${path}\n`)
}

const pathIn = value =>
  value instanceof URL ? fileURLToPath(value) : Buffer.isBuffer(value) ? String(value) : value
const { O_TRUNC, O_CREAT } = fs.constants
const truncates = flags => (typeof flags === 'number' ? (flags & O_TRUNC) !== 0 : /w/.test(flags ?? 'r'))
const creates = flags => (typeof flags === 'number' ? (flags & O_CREAT) !== 0 : /[wa]/.test(flags ?? 'r'))

/** Which arguments name something that a call changes, and which what it makes. */
const calls = {
  chmod: { changes: [0] },
  chown: { changes: [0] },
  lchmod: { changes: [0] },
  lchown: { changes: [0] },
  truncate: { changes: [0] },
  unlink: { changes: [0] },
  rm: { changes: [0] },
  rmdir: { changes: [0] },
  rename: { changes: [0, 1] },
  cp: { changes: [1], makes: 1 },
  copyFile: { changes: [1], makes: 1 },
  link: { makes: 1 },
  symlink: { makes: 1 },
  mkdir: { makes: 0 },
  mkdtemp: { answers: true },
  open: { flags: 1, makes: 0 },
  createWriteStream: { flags: 1, makes: 0, usually: 'w' },
  writeFile: { flags: 1, makes: 0, usually: 'w' },
  appendFile: { flags: 1, makes: 0, usually: 'a' },
}

function flagsOf({ flags, usually = 'r' }, args) {
  if (flags === undefined) return undefined
  const given = args[usually === 'r' ? flags : args.length - 1]
  if (typeof given === 'number') return given
  if (typeof given === 'string' && usually === 'r') return given
  return given?.flag ?? given?.flags ?? usually
}

function watch(module, name, what) {
  const original = module[name]
  if (typeof original !== 'function') return
  module[name] = function (...args) {
    const path = index => {
      const value = pathIn(args[index])
      return typeof value === 'string' ? resolve(value) : undefined
    }
    const flags = flagsOf(what, args)
    for (const index of what.changes ?? []) if (path(index)) note(name, path(index))
    if (flags !== undefined && truncates(flags) && path(0)) note(`${name}:truncate`, path(0))
    const makes =
      what.makes === undefined || (flags !== undefined && !creates(flags)) ? undefined : path(what.makes)
    const isNew = makes !== undefined && look(makes) === undefined
    const remember = value => {
      const found = what.answers ? look(value) : isNew ? look(makes) : undefined
      if (found !== undefined) made.add(idOf(found))
    }
    const answer = original.apply(this, args)
    if (answer instanceof Promise)
      return answer.then(value => {
        remember(value)
        if (typeof value?.fd === 'number') pathsOf.set(value, path(0))
        return value
      })
    remember(answer)
    if (name === 'openSync') pathsOf.set(answer, path(0))
    return answer
  }
}

/** Of a file that is open. */
function watchOpen(object, name, call, handleOf) {
  const original = object[name]
  if (typeof original !== 'function') return
  object[name] = function (...args) {
    const handle = handleOf(this, args)
    try {
      note(call, pathsOf.get(handle) ?? '(open)', fstatSync(typeof handle === 'number' ? handle : handle.fd))
    } catch {
      // It is closed: the call itself says so.
    }
    return original.apply(this, args)
  }
}

if (target !== undefined) {
  const handle = await fs.promises.open(target, 'r')
  const handles = Object.getPrototypeOf(handle)
  await handle.close()
  for (const module of [fs, fs.promises])
    for (const [name, what] of Object.entries(calls))
      for (const each of [name, `${name}Sync`]) watch(module, each, what)
  for (const call of ['chmod', 'chown', 'truncate']) {
    watchOpen(handles, call, call, self => self)
    for (const each of [`f${call}`, `f${call}Sync`]) watchOpen(fs, each, call, (_, [fd]) => fd)
  }
  const { spawn } = childProcess
  childProcess.spawn = (command, args, options) =>
    spawn(command, args, {
      ...options,
      env: { ...(options?.env ?? process.env), NODE_OPTIONS: `--import ${self}`, WATCH_CHANGES: target },
    })
  syncBuiltinESMExports()
}
