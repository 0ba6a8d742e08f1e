import { join } from 'node:path'
import { type AppFiles, type Bench, type Figure, missing, type Row, rows, skipped } from '../figure.ts'
import { poll } from '../poll.ts'
import { populated, populatedNote } from '../populated.ts'
import { longestGap, type Summary, summary } from '../stats.ts'
import { onPath } from '../workspace.ts'
import { manifestByDigest, serves, servesVersion, startZotApp } from '../zot-app.ts'

/** What clients miss while zot is upgraded, and when a version fails. */
export const upgrade: Figure = {
  name: 'upgrade',
  about: 'upgrade of zot: time without an answer, way back from a version that fails',
  async run(bench) {
    const { app, peer } = bench
    if (!app) return skipped(missing.app)
    const ours = await plannedDowntime(bench, app)
    const theirs = peer ? await peerDowntime(bench, peer) : undefined
    const note = `${populatedNote(bench)}; /readyz (the peer: /v2/) and a manifest by its digest are asked for every 20 ms on new connections; the peer is stopped and started`
    return rows(
      {
        name: 'planned upgrade: time without an answer',
        unit: 's',
        better: 'less',
        target: { kind: 'at-most', value: 2 },
        note,
        ours,
        ...(theirs ? { peer: theirs } : {}),
      },
      ...(await waysBack(bench, app)),
    )
  },
}

async function plannedDowntime(bench: Bench, app: AppFiles): Promise<Summary> {
  const zot = await startZotApp(bench, app, { 'gate.stableSeconds': 0 })
  const manifest = manifestByDigest(bench)
  const gaps: number[] = []
  for (let round = 0; round < (bench.quick ? 3 : 5); round++) {
    const polled = poll(() => serves(zot.app.url, '/readyz', manifest))
    await polled.next()
    const ended = await zot.upgradeTo('good')
    if (ended.result !== 'done') throw new Error(`the upgrade ended with ${ended.error}`)
    await polled.next()
    gaps.push(longestGap(await polled.end()) / 1000)
  }
  await zot.app.quit()
  return summary(gaps)
}

async function peerDowntime(bench: Bench, peer: NonNullable<Bench['peer']>): Promise<Summary> {
  const { work, quick } = bench
  const folder = await populated(bench, peer)
  const server = await peer.start(work, folder)
  const manifest = manifestByDigest(bench)
  const start = () => {
    const args = ['serve', join(folder, 'config.yml')]
    const child = work.start(onPath(peer.name) ?? peer.name, args, {
      cwd: folder,
      log: join(folder, 'output.log'),
    })
    return () => work.end(child)
  }
  let stop = server.stop
  const gaps: number[] = []
  for (let round = 0; round < (quick ? 3 : 5); round++) {
    const polled = poll(() => serves(server.url, '/v2/', manifest))
    await polled.next()
    await stop()
    stop = start()
    await polled.next()
    gaps.push(longestGap(await polled.end()) / 1000)
  }
  await stop()
  return summary(gaps)
}

/** How each version fails. */
const failures = [
  { behaviour: 'loses-tag', says: 'that lost a tag' },
  { behaviour: 'dies-later', says: 'that dies after its start' },
  { behaviour: 'never-ready', says: 'that is never ready' },
] as const

async function waysBack(bench: Bench, app: AppFiles): Promise<Row[]> {
  const zot = await startZotApp(bench, app, { 'gate.stableSeconds': 10, 'gate.readySeconds': 1 })
  const manifest = manifestByDigest(bench)
  const measured: Row[] = []
  for (const { behaviour, says } of failures) {
    const took: number[] = []
    for (let round = 0; round < (bench.quick ? 1 : 3); round++) {
      const polled = poll(() => servesVersion(zot.app.url, zot.version(), manifest))
      await polled.next()
      const ended = await zot.upgradeTo(behaviour)
      if (ended.result !== 'rolled-back') throw new Error(`${behaviour} ended with ${ended.result}`)
      await polled.next()
      const failed = zot.journalAt('failed')
      const back = (await polled.end()).find(at => at > failed)
      took.push(((back ?? Number.NaN) - failed) / 1000)
    }
    measured.push({
      name: `from a version ${says} back to the one before`,
      unit: 's',
      better: 'less',
      target: { kind: 'at-most', value: 15 },
      note: 'from the line of the journal that says what failed to the first answer of the version before',
      ours: summary(took),
    })
  }
  await zot.app.quit()
  return measured
}
