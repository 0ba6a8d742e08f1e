import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { getConfig } from 'app-builder-lib/out/util/config/config.js'

const root = join(import.meta.dirname, '..', '..', '..')

/** The app as electron-builder packs it for a Mac, with an Electron that is only the shape of one. */
export interface Packed {
  resources: string
  /** The names in the archive, sorted, without folders. */
  archived: string[]
  /** One character for each fuse of Electron, in the order of its list. */
  fuses: string
}

/** Every fuse is on before, so that each that the config closes is seen. */
const wire = Buffer.concat([
  Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'),
  Buffer.from([1, 9]),
  Buffer.from('111111111'),
])

/**
 * Runs electron-builder on the config of the project, without a network: only what this machine cannot have is another,
 * Electron's program, the picture as .icns, codesign, and the Node of a Mac, for which this one stands in.
 */
export async function pack(folder: string): Promise<Packed> {
  const electron = join(folder, 'electron')
  layElectron(electron)
  const bin = join(folder, 'bin')
  put(join(bin, 'codesign'), '#!/bin/sh\nexit 0\n', 0o755)
  put(join(folder, 'icon.icns'), 'icns')
  const node = join(folder, 'node')
  put(join(node, 'bin', 'node'), '')
  copyFileSync(process.execPath, join(node, 'bin', 'node'))
  chmodSync(join(node, 'bin', 'node'), 0o755)

  const config = await getConfig(root, 'electron-builder.yml', null)
  const resources = JSON.parse(JSON.stringify(config.extraResources)) as { from: string }[]
  for (const set of resources) if (set.from.startsWith('release/node/')) set.from = node
  const changed = {
    ...config,
    extraResources: resources,
    electronDist: electron,
    beforePack: null,
    directories: { ...config.directories, output: join(folder, 'out') },
    mac: { ...config.mac, icon: join(folder, 'icon.icns'), identity: null },
  }
  const file = join(folder, 'builder.json')
  writeFileSync(file, JSON.stringify(changed))
  const builder = join(root, 'node_modules', 'electron-builder', 'cli.js')
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [builder, '--mac', '--dir', '--x64', '--config', file, '--projectDir', root],
    { encoding: 'utf8', env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` } },
  )
  if (status !== 0) throw new Error(`electron-builder ended with ${status}:\n${stdout}\n${stderr}`)
  const contents = join(folder, 'out', 'mac', 'Zotbar.app', 'Contents')
  const framework = join(contents, 'Frameworks', 'Electron Framework.framework', 'Electron Framework')
  const program = readFileSync(framework)
  const from = program.indexOf(wire.subarray(0, 32)) + 34
  return {
    resources: join(contents, 'Resources'),
    archived: unpack(join(contents, 'Resources', 'app.asar')),
    fuses: program.toString('latin1', from, from + 9),
  }
}

/** Every file below a folder, sorted. */
export const filesBelow = (folder: string): string[] =>
  globSync('**', { cwd: folder })
    .filter(name => statSync(join(folder, name)).isFile())
    .sort()

interface Entry {
  files?: Record<string, Entry>
  size?: number
  offset?: string
}

/** Puts a folder in the place of the archive, which Electron reads as one; answers its names. */
function unpack(archive: string): string[] {
  const bytes = readFileSync(archive)
  const header: Entry = JSON.parse(bytes.toString('utf8', 16, 16 + bytes.readUInt32LE(12)))
  const content = 8 + bytes.readUInt32LE(4)
  const folder = `${archive}.unpacked-here`
  const write = (entry: Entry, path: string): void => {
    for (const [name, inner] of Object.entries(entry.files ?? {})) write(inner, join(path, name))
    if (entry.files !== undefined) return
    const from = content + Number(entry.offset)
    put(path, bytes.subarray(from, from + (entry.size ?? 0)))
  }
  write(header, folder)
  rmSync(archive)
  renameSync(folder, archive)
  return filesBelow(archive)
}

function layElectron(folder: string): void {
  const contents = join(folder, 'Electron.app', 'Contents')
  const plist = (name: string): string =>
    `<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>com.github.Electron</string>
<key>CFBundleExecutable</key><string>${name}</string><key>CFBundleName</key><string>${name}</string></dict></plist>\n`
  const program = (at: string, name: string): void => {
    put(join(at, 'Contents', 'Info.plist'), plist(name))
    put(join(at, 'Contents', 'MacOS', name), 'a program', 0o755)
  }
  program(join(folder, 'Electron.app'), 'Electron')
  for (const kind of ['', ' (Renderer)', ' (GPU)', ' (Plugin)'])
    program(join(contents, 'Frameworks', `Electron Helper${kind}.app`), `Electron Helper${kind}`)
  put(join(contents, 'Resources', 'electron.icns'), 'icns')
  put(
    join(contents, 'Frameworks', 'Electron Framework.framework', 'Electron Framework'),
    Buffer.concat([Buffer.from('code'), wire, Buffer.from('more code')]),
    0o755,
  )
  put(join(folder, 'version'), '41.7.1')
}

function put(path: string, content: string | Buffer, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, content, { mode })
}
