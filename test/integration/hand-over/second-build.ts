import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { controlClient } from '../../../client/control-client.ts'
import { systemProcessTable } from '../../../core/platform/system-processes.ts'
import { eventually } from '../../fakes/eventually.ts'
import type { AppRig } from '../app/app-rig.ts'

const root = join(import.meta.dirname, '..', '..', '..')
export const firstBuild: { build: string; version: string } = JSON.parse(
  readFileSync(join(root, 'dist', 'build.json'), 'utf8'),
)

/** What `app.handOver` takes. */
export interface BuildOnDisk {
  node: string
  main: string
  build: string
  version: string
}

/** The same code in a folder of its own, under the name of another build. `remove` takes the folder away. */
export function makeBuild(build: string, version = firstBuild.version): BuildOnDisk & { remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), `zotbar-${build}-`))
  cpSync(join(root, 'dist'), join(folder, 'dist'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
  writeFileSync(join(folder, 'dist', 'build.json'), JSON.stringify({ ...firstBuild, build, version }))
  return {
    node: process.execPath,
    main: join(folder, 'dist', 'core', 'main.mjs'),
    build,
    version,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** A program in the place of a core: what a build may do wrong. It speaks on descriptor 3 by `say` and `heard`. */
export function makeBroken(folder: string, name: string, code: string, build = 'broken'): BuildOnDisk {
  mkdirSync(folder, { recursive: true })
  const main = join(folder, `${name}.mjs`)
  writeFileSync(
    main,
    `import { Socket } from 'node:net'
     const channel = new Socket({ fd: 3, readable: true, writable: true })
     const say = message => channel.write(JSON.stringify(message) + '\\n')
     const loaded = { say: 'loaded', build: '${build}', version: '9.9.9', contract: 1, home: 1 }
     const heard = new Promise(resolve => channel.once('data', text => resolve(JSON.parse(String(text)))))
     ${code}`,
  )
  return { node: process.execPath, main, build, version: '9.9.9' }
}

export const clientOf = (rig: Pick<AppRig, 'home'>) =>
  controlClient({ socketPath: join(rig.home, 'control.sock'), home: rig.home }).zotbar

/** Who answers at the control socket of a home; undefined while nobody does. */
export async function coreOf(rig: Pick<AppRig, 'home'>) {
  const snapshot = await clientOf(rig).app.snapshot({})
  return snapshot.ok ? snapshot.value : undefined
}

/** Waits until the core of this build serves. */
export const serves = (rig: Pick<AppRig, 'home'>, build: string, limitMs = 15_000) =>
  eventually(async () => {
    const core = await coreOf(rig)
    return core?.app.build === build && core.process.kind === 'serving' ? core : undefined
  }, limitMs)

const processes = systemProcessTable()
/** A process that ended and that nobody waited for does not count. */
export const isAlive = (pid: number): boolean => processes.alive(pid)

/** What the core says of who keeps it. */
export const keeperOf = (rig: Pick<AppRig, 'home'>): { pid: number; keeper: string; build: string } =>
  JSON.parse(readFileSync(join(rig.home, 'run', 'keeper.json'), 'utf8'))

/** Where in the words of a hand-over a process is killed: before or after `say` is sent, or when "go" has arrived. */
export type Moment = 'before loaded' | 'after loaded' | 'at go' | 'before serving' | 'after serving'

/** The core of `build`, which kills itself or the core before it with SIGKILL at a moment. */
export function makeKilled(
  folder: string,
  build: BuildOnDisk,
  moment: Moment,
  victim: 'old' | 'new',
): BuildOnDisk {
  const main = join(folder, `${victim}-${moment.replace(' ', '-')}.mjs`)
  writeFileSync(
    main,
    `import { Socket } from 'node:net'
     const [when, word] = ${JSON.stringify(moment.split(' '))}
     const old = process.ppid
     const kill = () => process.kill(${victim === 'old' ? 'old' : 'process.pid'}, 'SIGKILL')
     const { write, push } = Socket.prototype
     const says = piece => String(piece).includes('"say":"' + word + '"')
     Socket.prototype.write = function (piece, ...more) {
       if (when === 'before' && says(piece)) kill()
       // On a busy machine it would read and answer before it is killed.
       if (when === 'after' && says(piece) && ${victim === 'old'}) process.kill(old, 'SIGSTOP')
       const written = write.call(this, piece, ...more)
       if (when === 'after' && says(piece)) kill()
       return written
     }
     Socket.prototype.push = function (piece, ...more) {
       if (when === 'at' && piece && says(piece)) kill()
       return push.call(this, piece, ...more)
     }
     await import(${JSON.stringify(build.main)})`,
  )
  return { ...build, main }
}
