import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, read } from 'node:fs'
import { access, chmod, copyFile, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as v from 'valibot'
import { writeAtomic } from '../../lib/atomic-file.ts'
import { errorCode } from '../../lib/error-code.ts'
import { sha256Of } from '../../lib/hash-file.ts'
import { parseJson } from '../../lib/json.ts'
import { syncFile, trySyncFolder } from '../../lib/sync-file.ts'

/** The two files of the embedded engine: Node, and its bundle. */
export interface EngineFiles {
  node: string
  bundle: string
}

/**
 * The files of a package, open, so that they can be copied also when the package was taken away meanwhile. By their
 * descriptors: to lose a FileHandle, as a start that fails may, would end the process.
 */
export interface OpenEngineFiles {
  paths: EngineFiles
  descriptors: { node: number; bundle: number }
  bytes: number
}

/** `whole`: what it was when it was made. */
type CopyState = 'whole' | 'missing' | 'damaged'

/** The engine of one build in ZOTBAR_HOME, where no update of the package reaches it. */
export interface EngineCopy {
  files: EngineFiles
  check(): Promise<CopyState>
  /** Staged, verified, renamed; where another process was faster, its copy stays. Throws as the file system does. */
  make(source: OpenEngineFiles, signal: AbortSignal): Promise<void>
  remove(): Promise<void>
}

interface Options {
  /** The folder with the copies of all builds. */
  parent: string
  /** Name of the folder of this one. */
  name: string
  bundleSha256: string
}

const manifestName = 'engine.json'
const manifest = v.object({
  /** SHA-256 of Node, and the stamp of its file when it was last hashed. */
  node: v.object({ sha256: v.string(), stamp: v.string() }),
})
type Manifest = v.InferOutput<typeof manifest>

/** Names in `parent` that begin so are copies that are being made, or never were finished. */
export const stagedPrefix = '.new-'

export function engineCopy({ parent, name, bundleSha256 }: Options): EngineCopy {
  const folder = join(parent, name)
  const files = filesIn(folder)
  const manifestFile = join(folder, manifestName)

  /** Node is hashed only when its file is not the one of the last time: that takes 0.1 s. */
  async function isWhole({ node }: Manifest): Promise<boolean> {
    if ((await sha256Of(files.bundle)) !== bundleSha256) return false
    const stamp = await stampOf(files.node)
    if (stamp === node.stamp) return true
    if ((await sha256Of(files.node)) !== node.sha256) return false
    await chmod(files.node, 0o700)
    // Where it cannot be written, Node is hashed again the next time.
    await writeManifest(files.node, node.sha256, text => writeAtomic(manifestFile, text)).catch(() => {})
    return true
  }

  async function fill(staged: string, source: OpenEngineFiles, signal: AbortSignal): Promise<void> {
    const to = filesIn(staged)
    await copyEither(source.paths.bundle, source.descriptors.bundle, to.bundle, signal)
    const sha256 = await copyEither(source.paths.node, source.descriptors.node, to.node, signal)
    await chmod(to.bundle, 0o600)
    await chmod(to.node, 0o700)
    for (const file of [to.bundle, to.node]) await syncFile(file)
    if ((await sha256Of(to.bundle)) !== bundleSha256)
      throw new Error(`${source.paths.bundle} is not the one that was built with the running core`)
    const read = await sha256Of(to.node, signal)
    if (sha256 !== undefined && read !== sha256) throw new Error(`${to.node} is not what was written`)
    await writeManifest(to.node, read, text => writeFile(join(staged, manifestName), text, { mode: 0o600 }))
    await syncFile(join(staged, manifestName))
    await trySyncFolder(staged)
  }

  return {
    files,
    async check() {
      const read = await readManifest(manifestFile)
      if (read === undefined) return (await exists(folder)) ? 'damaged' : 'missing'
      return (await isWhole(read).catch(() => false)) ? 'whole' : 'damaged'
    },
    async make(source, signal) {
      await mkdir(parent, { recursive: true, mode: 0o700 })
      const staged = join(parent, `${stagedPrefix}${randomBytes(6).toString('hex')}`)
      try {
        await mkdir(staged, { mode: 0o700 })
        await fill(staged, source, signal)
        await rename(staged, folder)
        await trySyncFolder(parent)
      } catch (error) {
        await rm(staged, { recursive: true, force: true })
        if (errorCode(error) !== 'ENOTEMPTY' && errorCode(error) !== 'EEXIST') throw error
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Opens the files of a package. Throws as the file system does. */
export function openEngineFiles(paths: EngineFiles): OpenEngineFiles {
  const node = openSync(paths.node, 'r')
  try {
    const bundle = openSync(paths.bundle, 'r')
    return { paths, descriptors: { node, bundle }, bytes: fstatSync(node).size + fstatSync(bundle).size }
  } catch (error) {
    closeSync(node)
    throw error
  }
}

export function closeEngineFiles({ descriptors }: OpenEngineFiles): void {
  closeSync(descriptors.node)
  closeSync(descriptors.bundle)
}

/** When a build's engine was last started from its copy, ms since the epoch; undefined where there is no copy. */
export const lastUsed = async (folder: string): Promise<number | undefined> =>
  (await stat(join(folder, manifestName)).catch(() => undefined))?.mtimeMs

export const manifestOf = (folder: string): string => join(folder, manifestName)

const filesIn = (folder: string): EngineFiles => ({
  node: join(folder, 'node'),
  bundle: join(folder, 'zotbar-registry.mjs'),
})

/** Copy-on-write where the volume can, by the path; else what is open. Answers the SHA-256 of what was read. */
async function copyEither(
  path: string,
  descriptor: number,
  to: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await copyFile(path, to, constants.COPYFILE_FICLONE_FORCE)
    // Another program may have been put at this path since it was opened.
    const [there, opened] = [await stat(path), fstatSync(descriptor)]
    if (there.ino === opened.ino && there.dev === opened.dev) return undefined
    throw new Error(`${path} was replaced`)
  } catch {
    await rm(to, { force: true })
    return await copyOpen(descriptor, to, signal)
  }
}

const bufferBytes = 1024 * 1024
const readOpen = promisify(read)

async function copyOpen(from: number, to: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafeSlow(bufferBytes)
  const target = await open(to, 'wx', 0o600)
  try {
    for (let position = 0; ; ) {
      signal.throwIfAborted()
      const { bytesRead } = await readOpen(from, buffer, 0, bufferBytes, position)
      if (bytesRead === 0) return hash.digest('hex')
      const part = buffer.subarray(0, bytesRead)
      hash.update(part)
      for (let written = 0; written < bytesRead; )
        written += (await target.write(part, written, bytesRead - written, position + written)).bytesWritten
      position += bytesRead
    }
  } finally {
    await target.close()
  }
}

async function writeManifest(
  node: string,
  sha256: string,
  write: (text: string) => Promise<void>,
): Promise<void> {
  const content: Manifest = { node: { sha256, stamp: await stampOf(node) } }
  await write(`${JSON.stringify(content)}\n`)
}

async function readManifest(file: string): Promise<Manifest | undefined> {
  const read = v.safeParse(manifest, parseJson(await readFile(file, 'utf8').catch(() => '')))
  return read.success ? read.output : undefined
}

/** Another one after every change of the file: no program sets ctime. The device's number changes with a restart. */
async function stampOf(file: string): Promise<string> {
  const { ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true })
  return `${ino} ${size} ${mtimeNs} ${ctimeNs}`
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
