import type { Notebook, Read } from './finding.ts'

/** What zot would do with this configuration and zotbar-registry does not: conveniences, each named once. */
export function inspectZotOnly({ config }: Read, notes: Notebook): void {
  const { extensions, http, scheduler } = config
  const without = (keyPath: string, what: string): void =>
    notes.warning(keyPath, `${what}: only the zot engine does this`)
  if (extensions?.search?.enable)
    notes.warning(
      'extensions.search',
      'search by GraphQL: only the zot engine does this; /v2/_zot/ext/mgmt is served',
    )
  if (extensions?.search?.cve) without('extensions.search.cve', 'looking for known vulnerabilities')
  if (extensions?.ui?.enable) without('extensions.ui', 'the web interface')
  if (extensions?.lint?.enable) without('extensions.lint', 'refusing images without annotations')
  if (extensions?.events?.enable) without('extensions.events', 'sending events')
  if (extensions?.trust?.enable) without('extensions.trust', 'checking signatures')
  if (extensions?.sync?.enable)
    notes.warning(
      'extensions.sync',
      'this version pulls nothing through: images that are not here are answered 404',
    )
  if (http.auth?.sessionDriver) without('http.auth.sessionDriver', 'keeping sessions elsewhere')
  if (http.auth?.sessionKeysFile)
    notes.warning('http.auth.sessionKeysFile', 'has no effect: sessions are kept here and survive a restart')
  if (scheduler?.numWorkers !== undefined)
    notes.warning('scheduler.numWorkers', 'has no effect: one piece of work runs in the background at a time')
}
