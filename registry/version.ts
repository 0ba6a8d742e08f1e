declare const __ZOTBAR_VERSION__: string

/** Replaced when bundled; run from source there is none. */
export const version = typeof __ZOTBAR_VERSION__ === 'string' ? __ZOTBAR_VERSION__ : 'dev'

export const distributionSpec = '1.1.1'
