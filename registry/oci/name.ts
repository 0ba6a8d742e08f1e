const component = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const pattern = new RegExp(`^${component}(?:/${component})*$`)
/** Longest name clients accept, host excluded. */
export const maxNameLength = 255

/**
 * Whether `text` is a repository name that may be served and stored.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export function isRepositoryName(text: string): boolean {
  return text.length <= maxNameLength && pattern.test(text) && !clashesWithLayout(text)
}

/** Whether one path component may be part of a repository name. */
const componentPattern = new RegExp(`^${component}$`)
export const isNameComponent = (text: string): boolean => componentPattern.test(text)

/**
 * Repositories nest ("a" and "a/b" may both exist), so a name must not reach into the files that the
 * image layout keeps in the repository above it: index.json, oci-layout, blobs/<algorithm>.
 */
function clashesWithLayout(name: string): boolean {
  if (!/\/(?:blobs\/sha|index\.json|oci-layout)/.test(name)) return false
  const parts = name.split('/')
  return parts.some(
    (part, at) =>
      at > 0 &&
      (part === 'index.json' ||
        part === 'oci-layout' ||
        (part === 'blobs' && isAlgorithmFolder(parts[at + 1]))),
  )
}

/** Names of the folders below blobs/. */
export const isAlgorithmFolder = (text: string | undefined): boolean => text === 'sha256' || text === 'sha512'
