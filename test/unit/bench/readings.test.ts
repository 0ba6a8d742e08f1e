import { describe, expect, it } from 'vitest'
import { stateLine } from '../../bench/app.ts'
import { manifestPaths } from '../../bench/image-store.ts'
import { tookBetween } from '../../bench/load.ts'
import { cpuSecondsIn, residentMegabytesIn } from '../../bench/proc.ts'
import { sizesOf, storeContent } from '../../bench/store-content.ts'
import { loadIn } from '../../bench/wrk.ts'

describe('readings of /proc', () => {
  it('counts user and system time after a command with brackets and spaces', () => {
    const stat = '4242 (a) b (c)) S 1 4242 4242 0 -1 4194304 900 0 0 0 150 50 0 0 20 0 11 0 123456 1 2'
    expect(cpuSecondsIn(stat)).toBe(2)
    expect(() => cpuSecondsIn('nonsense')).toThrow('not a line')
  })

  it('turns kibibytes into MB', () => {
    expect(residentMegabytesIn('Name:\tnode\nVmRSS:\t   50000 kB\nThreads:\t7\n')).toBe(51.2)
    expect(() => residentMegabytesIn('Name:\tkthreadd\n')).toThrow('VmRSS')
  })
})

describe('what wrk says', () => {
  const line = (numbers: object) => `Running 5s test\n  2 threads\nwalk ${JSON.stringify(numbers)}\n`

  it('becomes a rate and a latency', () => {
    const output = line({ requests: 50_000, micros: 5_000_000, bytes: 1, p99: 3_250, status: 0, broken: 0 })
    expect(loadIn(output)).toEqual({ perSecond: 10_000, p99Milliseconds: 3.25 })
  })

  it('is no measurement when requests failed', () => {
    const output = line({ requests: 10, micros: 1, bytes: 1, p99: 1, status: 2, broken: 1 })
    expect(() => loadIn(output)).toThrow('3 of 10 requests failed')
    expect(() => loadIn('unable to connect')).toThrow('wrk said nothing')
  })
})

describe('state lines', () => {
  it('are read for state, pid and bytes', () => {
    const line = { state: 'serving', registry: { url: 'http://127.0.0.1:1', pid: 7 }, storage: { bytes: 9 } }
    expect(stateLine(JSON.stringify(line))).toEqual({ state: 'serving', pid: 7, bytes: 9 })
    expect(stateLine('{"state":"starting","registry":{}}')).toEqual({
      state: 'starting',
      pid: undefined,
      bytes: undefined,
    })
    expect(stateLine('{"error":{"code":"x"}}')).toBeUndefined()
    expect(stateLine('Serving at ...')).toBeUndefined()
  })
})

describe('the walk over a store', () => {
  it('visits every tag once, the next one in another repository', () => {
    const paths = manifestPaths({ repositories: 3, tags: 2 })
    expect(new Set(paths).size).toBe(6)
    expect(paths.slice(0, 2)).toEqual(['/v2/bench/r0000/manifests/t0', '/v2/bench/r0001/manifests/t0'])
  })
})

describe('the populated store', () => {
  it('has as many different blobs as it says', () => {
    const images = [...storeContent(300)].flatMap(({ images }) => images)
    expect(sizesOf(300)).toEqual({ blobs: 300, repositories: 3, tags: 30 })
    expect(images).toHaveLength(30)
    const digests = images.flatMap(({ manifest, blobs }) => [manifest, ...blobs].map(({ digest }) => digest))
    expect(new Set(digests).size).toBe(300)
  })
})

describe('answers of a load', () => {
  it('are picked by when they came', () => {
    expect(tookBetween({ at: [1, 2, 3, 4], took: [10, 20, 30, 40] }, 2, 3)).toEqual([20, 30])
  })
})
