import type { Config } from '../../registry/config/config.ts'

/** An upstream whose images config.json has copied (`extensions.sync`), and the path that its copies are stored under. */
export interface CachedUpstream {
  /** The registries that are asked, as `registryName` gives them. */
  names: string[]
  /** A glob: which of the upstream's repositories are copied. */
  prefix: string
  /** Goes before the upstream's name of a repository: "docker.io". Never empty. */
  destination: string
}

/**
 * The upstreams whose copies have names of their own. With `stripPrefix` a name changes in a way that a path before it
 * cannot express, so that those are left out.
 */
export const cachedUpstreams = ({ extensions }: Pick<Config, 'extensions'>): CachedUpstream[] =>
  (extensions?.sync?.registries ?? []).flatMap(({ urls, content }) =>
    content.flatMap(({ prefix, destination, stripPrefix }) => {
      const path = (destination ?? '').replace(/^\/+|\/+$/g, '')
      const glob = prefix.replace(/^\//, '')
      if (path === '' || (stripPrefix && !glob.startsWith('*'))) return []
      return [{ names: urls.flatMap(nameInUrl), prefix: glob, destination: path }]
    }),
  )

const nameInUrl = (url: string): string[] => {
  const host = URL.canParse(url) ? new URL(url).host : ''
  return host === '' ? [] : [registryName(host)]
}

/** One name for each registry: Docker Hub goes by several, and the port of https is left out by some. */
export function registryName(host: string): string {
  const name = host.toLowerCase().replace(/:443$/, '')
  return name === 'registry-1.docker.io' || name === 'index.docker.io' ? 'docker.io' : name
}
