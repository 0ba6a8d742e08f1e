import type { Snapshot } from '../../preload/contract/snapshot.ts'

/** "zotbar-registry 0.1.0"; without the version while none has been seen running. */
export const engineName = ({ engine }: Pick<Snapshot, 'engine'>): string =>
  engine.version === undefined ? engine.id : `${engine.id} ${engine.version}`

/** "127.0.0.1:5050", as `docker push` takes it. */
export const address = ({ registry }: Pick<Snapshot, 'registry'>): string =>
  registry.host.includes(':') ? `[${registry.host}]:${registry.port}` : `${registry.host}:${registry.port}`

/** The command that puts a first image into an empty registry. */
export const firstPush = (snapshot: Pick<Snapshot, 'registry'>): string =>
  `docker push ${address(snapshot)}/NAME:TAG`
