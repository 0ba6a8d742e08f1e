// A server of releases in a process of its own, so that neither who downloads nor who measures shares its time.
// Arguments: a version, the name of the asset, its file. Its first line of output is { url, download } as JSON.
import { startReleaseServer } from '../fakes/release-server.ts'

const [version = '', name = '', file = ''] = process.argv.slice(2)
const server = await startReleaseServer()
server.put(version, { assets: [{ name, data: { file } }] })
console.log(JSON.stringify({ url: server.url, download: server.downloadUrl(version, name) }))
