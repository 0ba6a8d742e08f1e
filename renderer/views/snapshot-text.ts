import { givenAddress } from '../../contract/messages/address-message.ts'
import { atTime, count, duration, longDate, timeOfDay } from '../../contract/messages/format.ts'
import type { Snapshot } from '../../contract/snapshot.ts'

/** "zotbar-registry 0.1.0"; without the version while none has been seen running. */
export const engineName = ({ engine }: Pick<Snapshot, 'engine'>): string =>
  engine.version === undefined ? engine.id : `${engine.id} ${engine.version}`

/** "127.0.0.1:5050", as people are given it and `docker push` takes it. */
export const address = (snapshot: Pick<Snapshot, 'registry'>): string => givenAddress(snapshot).name

/** "as of 13:20", where the data folder is out of reach and its figures are those of before. */
export function figuresAsOf({ snapshot, now }: { snapshot: Snapshot; now: number }): string | undefined {
  const { process, storage } = snapshot
  return process.kind === 'failed' && storage.asOf !== undefined
    ? `as of ${atTime(storage.asOf, now)}`
    : undefined
}

/** The command that puts a first image into an empty registry. */
export const firstPush = (snapshot: Pick<Snapshot, 'registry'>): string =>
  `docker push ${address(snapshot)}/NAME:TAG`

/** Whole seconds at first, then as any span of time: "9 s", "3 d 4 h". Both in ms since the epoch. */
export function uptime(startedAt: number, now: number): string {
  const seconds = Math.max(1, Math.floor((now - startedAt) / 1000))
  return seconds < 60 ? count(seconds, 's', 's') : duration(seconds * 1000)
}

/** "Saturday 21 March 2026, 14:02". */
export const momentText = (at: string): string => {
  const time = Date.parse(at)
  return `${longDate(time)}, ${timeOfDay(time)}`
}
