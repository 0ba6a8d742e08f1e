// https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
/** As zotbar-registry: zot stored longer ones than clients accept. */
const longest = 1024

/** Whether a folder may be part of a repository name; `_trivy`, `.sync` and their kind are not. */
export const isNameComponent = (text: string): boolean => component.test(text)

/** Whether `name` may be joined to the data folder: no component can leave it. */
export const isRepositoryName = (name: string): boolean =>
  name.length <= longest && name.split('/').every(isNameComponent)
