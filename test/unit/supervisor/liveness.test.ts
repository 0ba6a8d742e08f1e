import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Liveness } from '../../../core/platform/admin-liveness.ts'
import type { PortOwner } from '../../../core/platform/process-table.ts'
import {
  askForSignOfLife,
  type ProbeAnswer,
  probeHttp,
  type SignOfLife,
  watchAdopted,
  watchForHang,
  watchReadiness,
} from '../../../core/supervisor/liveness.ts'
import { standardPolicy as policy } from '../../../core/supervisor/policy.ts'
import { fakeClock } from '../../fakes/clock.ts'
import { processOf, target } from './drive.ts'

describe('readiness', () => {
  function watch(statuses: Record<string, ProbeAnswer[]>, others = [false], adopted = false) {
    const clock = fakeClock()
    const asked: number[] = []
    let ready = 0
    const next = <T>(list: T[]) => (list.length > 1 ? list.shift() : list[0])
    const stop = watchReadiness({
      registry: { ...processOf(10), adopted },
      clock,
      probe: async url => {
        asked.push(clock.monotonic())
        return next(statuses[url.slice(target.url.length)] ?? [undefined])
      },
      isOwnedByOther: async () => next(others) ?? false,
      isCutBy: async () => !(next(others) ?? false),
      onReady: () => ready++,
    })
    return { clock, asked, stop, ready: () => ready }
  }

  it('asks at once and often, later less often, and calls back once', async () => {
    const watched = watch({ '/readyz': [...Array(40).fill(undefined), 503, 200] })
    await watched.clock.advance(150)
    expect(watched.asked.slice(0, 4)).toEqual([20, 40, 60, 80])
    await watched.clock.advance(60_000)
    expect(watched.ready()).toBe(1)
    expect(watched.asked).toHaveLength(42)
    const gaps = watched.asked.slice(1).map((time, i) => time - (watched.asked[i] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(250)
    expect(watched.clock.pending()).toEqual([])
  })

  it('asks /v2/ where there is no /readyz; being asked to sign in there is a yes', async () => {
    const watched = watch({ '/readyz': [404], '/v2/': [undefined, 401] })
    await watched.clock.advance(100)
    expect(watched.ready()).toBe(1)
  })

  it('does not take the yes of somebody else', async () => {
    const watched = watch({ '/readyz': [200] }, [true, true, false])
    await watched.clock.advance(50)
    expect(watched.ready()).toBe(0)
    await watched.clock.advance(50)
    expect(watched.ready()).toBe(1)
  })

  it('takes an adopted process that cuts the connection for ready, and no other', async () => {
    const adopted = watch({ '/readyz': [undefined, 'cut'] }, [false], true)
    await adopted.clock.advance(100)
    expect(adopted.ready()).toBe(1)
    for (const watched of [watch({ '/readyz': ['cut'] }), watch({ '/readyz': ['cut'] }, [true], true)]) {
      await watched.clock.advance(1000)
      expect(watched.ready()).toBe(0)
      watched.stop()
    }
  })

  it('ends when asked to', async () => {
    const watched = watch({ '/readyz': [undefined, 200] })
    watched.stop()
    await watched.clock.advance(1000)
    expect([watched.ready(), watched.asked]).toEqual([0, []])
  })
})

describe('hang detection', () => {
  function watch(answer: () => SignOfLife | Promise<SignOfLife>) {
    const clock = fakeClock()
    const hung: number[] = []
    const heard: string[] = []
    const start = clock.now()
    let asked = 0
    const stop = watchForHang({
      clock,
      ask: async () => {
        asked++
        return answer()
      },
      policy,
      onSilence(silence) {
        const what = silence
          ? `${silence.overloaded ? 'overloaded' : 'silent'} since ${silence.since - start}`
          : 'answers'
        heard.push(`${what} at ${clock.now() - start}`)
      },
      onHung: at => hung.push(at),
    })
    return { clock, hung, heard, stop, start, asked: () => asked }
  }

  it('asks every 5 s', async () => {
    const watched = watch(() => 'alive')
    await watched.clock.advance(60_000)
    expect(watched.asked()).toBe(12)
    expect([watched.hung, watched.heard]).toEqual([[], []])
  })

  it('reports the first miss, and the answer after it', async () => {
    const answers: SignOfLife[] = ['alive', 'silent', 'silent', 'alive', 'alive', 'silent', 'overloaded']
    const watched = watch(() => answers.shift() ?? 'alive')
    await watched.clock.advance(40_000)
    expect(watched.heard).toEqual([
      'silent since 5000 at 10000',
      'answers at 20000',
      'silent since 25000 at 30000',
      'overloaded since 25000 at 35000',
      'answers at 40000',
    ])
    expect(watched.hung).toEqual([])
  })

  it('is never given up because it is overloaded', async () => {
    const answers: SignOfLife[] = ['silent', 'silent', 'overloaded', 'silent', 'silent']
    const watched = watch(() => answers.shift() ?? 'overloaded')
    await watched.clock.advance(120_000)
    expect(watched.hung).toEqual([])
  })

  it('is not given up because it could not be asked', async () => {
    const answers: SignOfLife[] = ['silent', 'silent', 'unknown', 'unknown', 'unknown', 'alive']
    const watched = watch(() => answers.shift() ?? 'unknown')
    await watched.clock.advance(120_000)
    expect(watched.hung).toEqual([])
  })

  it('calls back after three misses in a row, with the time of the last answer', async () => {
    const answers: SignOfLife[] = ['alive', 'silent', 'silent', 'alive']
    const watched = watch(() => answers.shift() ?? 'silent')
    await watched.clock.advance(60_000)
    expect(watched.hung).toEqual([watched.start + 20_000])
    expect(watched.asked()).toBe(7)
    expect(watched.clock.pending()).toEqual([])
  })

  it('does not hold sleep against the process', async () => {
    let miss: (() => void) | undefined
    const watched = watch(() => new Promise(resolve => (miss = () => resolve('silent'))))
    for (let round = 0; round < 10; round++) {
      await watched.clock.advance(5000)
      // Asleep in the middle of a question: its limit fires late.
      await watched.clock.jump(3_600_000)
      miss?.()
    }
    await watched.clock.advance(0)
    expect(watched.hung).toEqual([])
  })

  it('forgets misses from before a sleep', async () => {
    const watched = watch(() => 'silent')
    await watched.clock.advance(10_000)
    expect(watched.asked()).toBe(2)
    await watched.clock.jump(3_600_000)
    expect(watched.hung).toEqual([])
    await watched.clock.advance(10_000)
    expect(watched.hung).toHaveLength(1)
  })

  it('ends when asked to', async () => {
    const watched = watch(() => 'silent')
    await watched.clock.advance(11_000)
    watched.stop()
    await watched.clock.advance(60_000)
    expect(watched.hung).toEqual([])
  })
})

describe('a sign of life', () => {
  interface World {
    admin?: Liveness
    probed?: ProbeAnswer
    owner?: PortOwner
    alive?: boolean
  }
  function ask({ admin, probed, owner, alive = true }: World) {
    const asked: string[] = []
    const sign = askForSignOfLife(
      {
        registry: processOf(10),
        path: '/livez',
        clock: fakeClock(),
        probe: async url => {
          asked.push(url)
          return probed
        },
        askAdmin: admin && (async () => admin),
        processes: { alive: () => alive, portOwner: async () => owner },
      },
      5000,
    )
    return sign.then(found => [found, asked.length])
  }
  const own = { pid: 10 }

  it.each<[string, World, SignOfLife, number]>([
    ['any answer', { probed: 200 }, 'alive', 1],
    ['an error', { probed: 503 }, 'alive', 1],
    ['silence', { owner: own }, 'silent', 1],
    ['silence, but on the administration socket', { admin: { kind: 'alive', protocol: 0 } }, 'overloaded', 1],
    ['silence, also on the administration socket', { admin: { kind: 'silent' }, owner: own }, 'silent', 1],
    ['silence, where nobody has such a socket', { admin: { kind: 'refused' }, owner: own }, 'silent', 1],
    ['a cut connection', { probed: 'cut', owner: own }, 'overloaded', 1],
    ['a cut connection, and nobody knows by whom', { probed: 'cut' }, 'overloaded', 1],
    [
      'a cut, and silence on the socket',
      { probed: 'cut', owner: own, admin: { kind: 'silent' } },
      'silent',
      1,
    ],
    ['a connection that somebody else cut', { probed: 'cut', owner: { pid: 11 } }, 'silent', 1],
    ['a cut connection of a process that ended', { probed: 'cut', alive: false }, 'silent', 1],
    ['a refusal by the owner of the port', { probed: 'refused', owner: own }, 'overloaded', 1],
    ['nobody listening any more', { probed: 'refused', admin: { kind: 'alive', protocol: 1 } }, 'silent', 1],
    ['a question that could not be put', { probed: 'unasked', owner: own }, 'unknown', 1],
    [
      'the same, but for the socket',
      { probed: 'unasked', admin: { kind: 'alive', protocol: 1 } },
      'alive',
      1,
    ],
  ])('%s', async (_, world, sign, questions) => {
    expect(await ask(world)).toEqual([sign, questions])
  })

  it('survives whatever is asked', async () => {
    const broken = () => Promise.reject(new Error('a fault'))
    const sign = await askForSignOfLife(
      {
        registry: processOf(10),
        path: '/livez',
        clock: fakeClock(),
        probe: broken,
        askAdmin: broken,
        processes: { alive: () => true, portOwner: broken },
      },
      5000,
    )
    expect(sign).toBe('unknown')
  })

  it('asks the socket beside HTTP once that takes its time, so that both are known within the limit', async () => {
    const clock = fakeClock()
    const asked: string[] = []
    const late = <T>(name: string, answer: T) => {
      return (limitMs: number) => {
        asked.push(`${name} at ${clock.monotonic()} for ${limitMs}`)
        return new Promise<T>(resolve => clock.setTimer(clock.now() + limitMs, () => resolve(answer)))
      }
    }
    const http = late('http', undefined)
    const admin = late<Liveness>('socket', { kind: 'silent' })
    let sign: SignOfLife | undefined
    const processes = { alive: () => true, portOwner: async () => own }
    const probe = (_url: string, limitMs: number) => http(limitMs)
    void askForSignOfLife(
      { registry: processOf(10), path: '/', clock, probe, askAdmin: admin, processes },
      5000,
    ).then(found => (sign = found))
    await clock.advance(5000)
    expect([asked, sign]).toEqual([['http at 0 for 5000', 'socket at 1000 for 4000'], 'silent'])
    expect(clock.pending()).toEqual([])
  })
})

describe('one question over HTTP', () => {
  it.each<[string, (socket: Socket) => void, ProbeAnswer]>([
    ['an error', socket => socket.end('HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n'), 503],
    ['a reset', socket => socket.resetAndDestroy(), 'cut'],
    ['a connection that is closed', socket => socket.end(), 'cut'],
    ['no HTTP', socket => socket.end('220 mail\r\n'), 'cut'],
    ['silence', () => {}, undefined],
  ])('%s', async (_, greet, probed) => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.once('data', () => greet(socket))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    expect(await probeHttp(`http://127.0.0.1:${port}/livez`, probed === undefined ? 50 : 5000)).toBe(probed)
    server.close()
    await once(server, 'close')
    if (probed === 'cut') expect(await probeHttp(`http://127.0.0.1:${port}/livez`, 5000)).toBe('refused')
  })

  it.each(['http://:::5050/livez', 'http://', 'x'])('%j cannot be asked, and that is all', async url => {
    expect(await probeHttp(url, 50)).toBe('unasked')
  })
})

describe('an adopted process', () => {
  function watch() {
    const clock = fakeClock()
    const world = { alive: true, startTime: 77 as number | undefined, gone: 0, looks: 0 }
    watchAdopted({
      pid: 5,
      startTime: 77,
      clock,
      policy,
      processes: {
        alive: () => world.alive,
        startTime: async () => {
          world.looks++
          return world.startTime
        },
      },
      onGone: () => world.gone++,
    })
    return { clock, world }
  }

  it('that ends is noticed within 250 ms', async () => {
    const { clock, world } = watch()
    await clock.advance(10_000)
    expect(world.gone).toBe(0)
    world.alive = false
    await clock.advance(250)
    expect(world.gone).toBe(1)
    expect(clock.pending()).toEqual([])
  })

  it('whose pid was given to another process is noticed by its start time', async () => {
    const { clock, world } = watch()
    world.startTime = 78
    await clock.advance(policy.identityIntervalMs)
    expect(world.gone).toBe(1)
  })

  it('is not given up because the process table could not be read', async () => {
    const { clock, world } = watch()
    world.startTime = undefined
    await clock.advance(4 * policy.identityIntervalMs)
    expect(world).toMatchObject({ gone: 0, looks: 4 })
  })
})
