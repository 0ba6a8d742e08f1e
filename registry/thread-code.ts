import { readFileSync } from 'node:fs'

/**
 * What `new Worker` starts a thread from. In the sources it is a file; in a build its whole text, read now, so that a
 * thread can still be started once an update has put another version in place.
 * @param moduleUrl import.meta.url of the file that starts it
 * @param folder where below registry/ the sources of the thread lie
 * @param name of its file, without extension; a build has it beside, or above, the chunk that `moduleUrl` is
 */
export function threadCode(moduleUrl: string, folder: string, name: string): URL {
  const file = threadFile(moduleUrl, folder, name)
  if (file.pathname.endsWith('.ts')) return file
  return new URL(`data:text/javascript,${encodeURIComponent(readFileSync(file, 'utf8'))}`)
}

export function threadFile(moduleUrl: string, folder: string, name: string): URL {
  if (moduleUrl.endsWith('.ts')) return new URL(`../${folder}/${name}.ts`, moduleUrl)
  return new URL(/\/chunks\/[^/]*$/.test(moduleUrl) ? `../${name}.mjs` : `./${name}.mjs`, moduleUrl)
}
