import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createMetrics } from '../../../registry/metrics/metrics.ts'
import { createStorageUse } from '../../../registry/metrics/storage-use.ts'
import { eventually } from '../../fakes/eventually.ts'
import { describeWith } from '../../setup/need.ts'

const make = (storage: [string, number][] = []) =>
  createMetrics({
    version: 'v1.2.3',
    commit: 'v1.2.3',
    binaryType: 'zotbar-registry',
    storageUse: () => storage,
    openUploads: () => 3,
    droppedLines: () => ({ log: 5, audit: 0 }),
  })
const answered = { method: 'GET', status: 200, repository: 'a/b', moved: undefined, seconds: 0.25 } as const

describe('metrics', () => {
  it("have zot's names and labels", async () => {
    const metrics = make([['a/b', 1234]])
    metrics.answered({ ...answered, moved: 'down' })
    metrics.answered({ ...answered, method: 'PUT', status: 201, moved: 'up' })
    metrics.answered({ ...answered, repository: undefined, status: 404 })
    metrics.uploadStored(2)
    metrics.lockWaited('RWLock', 0.002)
    metrics.collected({ failed: false, seconds: 1 })
    metrics.deleted('blob', 7)
    const ended = metrics.taskBegan('gc')
    expect(await metrics.text()).toContain('zot_scheduler_workers{state="working"} 1')
    ended()
    const lines = (await metrics.text()).split('\n')
    for (const line of [
      'zot_http_requests_total{method="GET",code="200"} 1',
      'zot_log_dropped_lines_total{log="log"} 5',
      'zot_http_requests_total{method="GET",code="404"} 1',
      'zot_http_repo_latency_seconds_sum{repo="a/b"} 0.5',
      'zot_http_repo_latency_seconds_count{repo="a/b"} 2',
      'zot_http_repo_latency_seconds_count{repo="N/A"} 1',
      'zot_http_method_latency_seconds_bucket{le="0.5",method="GET"} 2',
      'zot_repo_storage_bytes{repo="a/b"} 1234',
      'zot_repo_uploads_total{repo="a/b"} 1',
      'zot_repo_downloads_total{repo="a/b"} 1',
      `zot_info{commit="v1.2.3",binaryType="zotbar-registry",goVersion="${process.version}",version="v1.2.3"} 0`,
      'zot_storage_lock_latency_seconds_count{storageName="root",lockType="RWLock"} 1',
      'zot_scheduler_workers{state="working"} 0',
      'zot_scheduler_workers_tasks_duration_seconds_count{name="gc"} 1',
      'zot_gc_runs_total{error="false"} 1',
      'zot_gc_duration_seconds_count 1',
      'zot_gc_deleted_total{type="blob"} 7',
      'zot_uploads_open 3',
      'zot_upload_duration_seconds_count 1',
    ])
      expect(lines).toContain(line)
    expect(lines.some(line => line.startsWith('nodejs_eventloop_lag_p99_seconds '))).toBe(true)
  })

  it('give no line to names that do not exist, and a bounded number to those that do', async () => {
    const metrics = make()
    for (let at = 0; at < 3000; at++) {
      metrics.answered({ ...answered, repository: `absent/${at}`, status: 404 })
      metrics.answered({ ...answered, repository: `there/${at}`, moved: 'down' })
    }
    const text = await metrics.text()
    expect(text).not.toContain('absent/')
    expect(text.match(/http_repo_latency_seconds_count\{/g)!.length).toBeLessThan(2010)
    expect(text.match(/repo_downloads_total\{/g)!.length).toBeLessThan(2010)
    expect(text).toContain('zot_repo_downloads_total{repo="other repositories"} 1000')
  })
})

describeWith(['promtool'], "Prometheus' own parser", () => {
  it('reads every line', async () => {
    const metrics = make([['a/b', 1]])
    metrics.answered({ ...answered, moved: 'down' })
    metrics.uploadStored(1)
    const { status, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await metrics.text(),
      encoding: 'utf8',
    })
    // 3: parsed, and some names are not to its taste; they are zot's and Node's.
    expect([0, 3], stderr).toContain(status)
    expect(stderr).not.toMatch(/error while linting|parse error/)
  })
})

describe('storage use', () => {
  const root = mkdtempSync(join(tmpdir(), 'zotbar-use-'))
  afterAll(() => rmSync(root, { recursive: true }))

  it('counts in the background, and again what changed', async () => {
    const folder = join(root, 'a/b/blobs/sha256')
    mkdirSync(folder, { recursive: true })
    for (let at = 0; at < 150; at++) writeFileSync(join(folder, String(at)), '0123456789')
    const use = createStorageUse({ root, repositories: async () => ['a/b', 'gone'] })
    expect([...use.read()]).toEqual([])
    await eventually(() => new Map(use.read()).get('a/b') === 1500)
    writeFileSync(join(folder, 'more'), '0123456789')
    use.changed('a/b')
    await eventually(() => new Map(use.read()).get('a/b') === 1510)
    expect([...use.read()]).toHaveLength(1)
    use.stop()
  })
})
