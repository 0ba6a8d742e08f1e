/** The databases of zot in a data folder; it keeps both locked while it runs. */
export const zotDatabases = ['meta.db', 'cache.db'] as const

/** The annotation that carries the tag of a manifest in the index.json of an OCI image layout. */
export const refName = 'org.opencontainers.image.ref.name'
