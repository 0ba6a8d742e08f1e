import { access, constants, stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Failure } from '../../contract/failure.ts'
import { fail, ok, type Result } from '../../contract/result.ts'
import { readCertificate } from '../../lib/certificate-files.ts'
import { errorCode, reasonOf } from '../../lib/error-code.ts'
import type { Config } from '../../registry/config/config.ts'

/** A file that config.json names and that the engine reads when it starts. `path` is absolute. */
export interface NamedFile {
  keyPath: string
  path: string
}

/** Those without which neither engine starts, and of which `zot verify` says nothing. `folder`: of config.json. */
export function namedFilesIn({ http: { auth, tls } }: Config, folder: string): NamedFile[] {
  const named: [string, string | undefined][] = [
    ['http.auth.htpasswd.path', auth?.htpasswd?.path],
    ['http.tls.cert', tls?.cert],
    ['http.tls.key', tls?.key],
  ]
  return named.flatMap(([keyPath, path]) => (path ? [{ keyPath, path: resolve(folder, path) }] : []))
}

/**
 * Fails with named-file-unusable: one message before a start in place of a crash loop after it. Of zot, certificate and key
 * are only read: it may take a pair that zotbar-registry does not.
 */
export async function checkNamedFiles(
  files: readonly NamedFile[],
  engine: 'zotbar-registry' | 'zot',
): Promise<Result<null>> {
  for (const { keyPath, path } of files) {
    const reason = await faultOf(path)
    if (reason !== undefined) return fail<Failure>({ code: 'named-file-unusable', keyPath, path, reason })
  }
  return engine === 'zot' ? ok(null) : checkPair(files)
}

/** Whether what http.tls names is a certificate and its key. */
function checkPair(files: readonly NamedFile[]): Result<null> {
  const [cert, key] = [fileAt(files, 'http.tls.cert'), fileAt(files, 'http.tls.key')]
  if (!cert || !key) return ok(null)
  const read = readCertificate({ cert: cert.path, key: key.path })
  if (read.ok) return ok(null)
  const file = read.file === 'cert' ? cert : key
  return fail<Failure>({ code: 'named-file-unusable', ...file, reason: read.reason })
}

const fileAt = (files: readonly NamedFile[], keyPath: string): NamedFile | undefined =>
  files.find(file => file.keyPath === keyPath)

async function faultOf(path: string): Promise<string | undefined> {
  try {
    if ((await stat(path)).isDirectory()) return 'it is a folder'
    await access(path, constants.R_OK)
    return undefined
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? 'it does not exist' : reasonOf(error)
  }
}
