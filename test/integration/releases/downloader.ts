import { releasesAt } from './at.ts'

/** A process that is killed in the middle of a download: HOME, the API's address, a version, the folder. */
const [home = '', url = '', version = '', to = ''] = process.argv.slice(2)
const releases = releasesAt(home, url, { machine: { platform: 'linux', arch: 'x64' } })
const release = await releases.find(version)
if (release.ok) await releases.download(release.value, { to, signal: new AbortController().signal })
