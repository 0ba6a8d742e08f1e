import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { Keychain } from '../../lib/keychain.ts'
import { eventually } from '../fakes/eventually.ts'

const keytar = JSON.stringify(createRequire(import.meta.url).resolve('keytar'))
const password = 'x'
const collection = '/org/freedesktop/secrets/collection/login'

/** Two calls over one connection, which dbus-send cannot make. The daemon's own interface, as its dialog uses none of D-Bus. */
const unlockProgram = `
import sys
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SESSION)
def call(interface, method, args):
    return bus.call_sync('org.freedesktop.secrets', '/org/freedesktop/secrets', interface, method, args, None, 0, 5000, None)
plain = GLib.Variant('(sv)', ('plain', GLib.Variant('s', '')))
session = call('org.freedesktop.Secret.Service', 'OpenSession', plain).unpack()[1]
secret = (session, b'', sys.argv[2].encode(), 'text/plain')
call('org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface', 'UnlockWithMasterPassword', GLib.Variant('(o(oayays))', (sys.argv[1], secret)))
`

/** A D-Bus session of its own with a real gnome-keyring, whose files lie in `folder`. It is unlocked. */
export interface Keyring {
  /** What a program of this session has in its environment. */
  env: Record<string, string>
  /** The keychain says nothing from now on, until `goOn`. */
  silence(): void
  goOn(): void
  /** From now on whoever needs a secret is asked by a prompt that stands until `dismiss`. */
  lock(): Promise<void>
  /** Resolves once a prompt stands. */
  prompted(): Promise<void>
  /** Whether a prompt stands. */
  prompts(): boolean
  unlock(): Promise<void>
  /** Ends the prompt that stands. */
  dismiss(): void
  end(): Promise<void>
}

export async function startKeyring(folder: string): Promise<Keyring> {
  const runtime = join(folder, 'runtime')
  const data = join(folder, 'data')
  const promptPid = join(folder, 'prompt.pid')
  for (const made of [runtime, data, join(data, 'dbus-1', 'services')])
    mkdirSync(made, { recursive: true, mode: 0o700 })
  layPrompter(folder, data, promptPid)
  const base = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_RUNTIME_DIR: runtime,
    XDG_DATA_HOME: data,
  }
  const bus = spawn('dbus-daemon', ['--session', '--nofork', '--print-address'], {
    env: base,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const address = await firstLine(bus)
  const env = { ...base, DBUS_SESSION_BUS_ADDRESS: address }
  const daemon = spawn('gnome-keyring-daemon', ['--foreground', '--unlock', '--components=secrets'], {
    env,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  daemon.stdin?.end(password)

  const send = (...message: string[]): Promise<string> =>
    new Promise((done, failed) =>
      execFile('dbus-send', ['--session', '--print-reply', ...message], { env }, (error, stdout) =>
        error ? failed(error) : done(stdout),
      ),
    )
  const secrets = (path: string, ...message: string[]): Promise<string> =>
    send('--dest=org.freedesktop.secrets', path, ...message)
  const isLocked = async (): Promise<boolean | undefined> => {
    const reply = await secrets(
      collection,
      'org.freedesktop.DBus.Properties.Get',
      'string:org.freedesktop.Secret.Collection',
      'string:Locked',
    ).catch(() => '')
    return reply === '' ? undefined : reply.includes('true')
  }
  // A message to a name that nobody has would start another daemon, which nobody unlocks.
  const isThere = async (): Promise<boolean> => {
    const bus = ['--dest=org.freedesktop.DBus', '/org/freedesktop/DBus', 'org.freedesktop.DBus.NameHasOwner']
    return (await send(...bus, 'string:org.freedesktop.secrets')).includes('true')
  }
  await eventually(isThere, 20_000)
  await eventually(async () => (await isLocked()) === false, 10_000)
  const prompter = (): number | undefined =>
    existsSync(promptPid) ? Number(readFileSync(promptPid, 'utf8')) || undefined : undefined
  const prompts = (): boolean => isAlive(prompter())
  return {
    env,
    silence: () => void daemon.kill('SIGSTOP'),
    goOn: () => void daemon.kill('SIGCONT'),
    async lock() {
      await secrets(
        '/org/freedesktop/secrets',
        'org.freedesktop.Secret.Service.Lock',
        `array:objpath:${collection}`,
      )
      await eventually(async () => (await isLocked()) === true, 10_000)
    },
    prompts,
    prompted: () => eventually(() => prompts() || undefined, 10_000).then(() => {}),
    async unlock() {
      await new Promise<void>((done, failed) =>
        execFile('/usr/bin/python3', ['-c', unlockProgram, collection, password], { env }, error =>
          error ? failed(error) : done(),
        ),
      )
      await eventually(async () => (await isLocked()) === false, 10_000)
    },
    dismiss() {
      const pid = prompter()
      if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
    },
    async end() {
      daemon.kill('SIGCONT')
      const pid = prompter()
      if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGKILL')
      for (const child of [daemon, bus]) {
        const ended = new Promise(done => child.once('exit', done))
        if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await ended
      }
    },
  }
}

/** The keychain as another program than the core reads it. */
export function keychainIn({ env }: Keyring): Keychain {
  const program = `
    const [method, ...words] = JSON.parse(require('node:fs').readFileSync(0, 'utf8'))
    require(${keytar})[method](...words).then(answer => console.log(JSON.stringify(answer ?? null)))
  `
  const call = (...words: string[]): Promise<unknown> =>
    new Promise((done, failed) => {
      const child = execFile(process.execPath, ['-e', program], { env }, (error, stdout) =>
        error ? failed(error) : done(JSON.parse(stdout)),
      )
      child.stdin?.end(JSON.stringify(words))
    })
  return {
    getPassword: async (...item) => (await call('getPassword', ...item)) as string | null,
    setPassword: async (...item) => void (await call('setPassword', ...item)),
    deletePassword: async (...item) => (await call('deletePassword', ...item)) === true,
  }
}

/** In place of the system's dialog: a program that is started for a prompt and says nothing. */
function layPrompter(folder: string, data: string, pidFile: string): void {
  const program = join(folder, 'prompter')
  writeFileSync(program, `#!/bin/sh\necho $$ > ${pidFile}\nexec sleep 600\n`)
  chmodSync(program, 0o700)
  const name = 'org.gnome.keyring.SystemPrompter'
  writeFileSync(
    join(data, 'dbus-1', 'services', `${name}.service`),
    `[D-BUS Service]\nName=${name}\nExec=${program}\n`,
  )
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((done, failed) => {
    let text = ''
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      const end = text.indexOf('\n')
      if (end >= 0) done(text.slice(0, end))
    })
    child.once('error', failed)
    child.once('exit', code => failed(new Error(`dbus-daemon ended with ${code}`)))
  })
