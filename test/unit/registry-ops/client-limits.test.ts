import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import type { Client } from '../../../registry/http/client.ts'
import { ActiveRequests, Connections, createLimitReporter } from '../../../registry/http/connections.ts'
import { OpenUploads, uploadKey } from '../../../registry/routes/open-uploads.ts'

const client = (address: string, isExempt = false): Client => ({ address, key: address, isExempt })

class FakeSocket extends EventEmitter {
  destroyed = false
  readonly client: Client
  constructor(whose: Client) {
    super()
    this.client = whose
  }
  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
}

function setUp(max: number, maxPerClient: number) {
  let limits = 0
  const connections = new Connections({
    max,
    maxPerClient,
    clientOf: socket => (socket as unknown as FakeSocket).client,
    onLimit: () => limits++,
  })
  const open = (whose: Client): Socket => {
    const socket = new FakeSocket(whose) as unknown as Socket
    connections.admit(socket)
    return socket
  }
  return { connections, open, limits: () => limits }
}

it('a server tells of its limit once a minute, whatever another server told', () => {
  let now = 0
  const told: string[] = []
  const server = (name: string) =>
    createLimitReporter(
      { log: (_, __, fields) => void told.push(`${name} ${fields?.['client']}`) },
      () => now,
    )
  const [one, other] = [server('one'), server('other')]
  one(client('a'))
  other(client('b'))
  now = 59_999
  one(client('c'))
  now = 60_000
  one(client('d'))
  expect(told).toEqual(['one a', 'other b', 'one d'])
})

describe('connections', () => {
  const a = client('192.0.2.1')
  const b = client('192.0.2.2')
  const local = client('127.0.0.1', true)

  it('beyond the number of one client take the place of its longest idle one', () => {
    const { connections, open, limits } = setUp(10, 3)
    const other = open(b)
    const [first, second, third] = [open(a), open(a), open(a)]
    connections.busy(first)
    connections.used(second)
    const fourth = open(a)
    expect([other, first, second, third, fourth].map(one => one.destroyed)).toEqual([
      false,
      false,
      false,
      true,
      false,
    ])
    connections.idle(first)
    open(a)
    expect(second.destroyed).toBe(true)
    expect(first.destroyed).toBe(false)
    expect(limits()).toBe(2)
    expect(connections.sockets.size).toBe(4)
  })

  it('stay while the next request that was sent ahead is under way', () => {
    const { connections, open } = setUp(10, 1)
    const mine = open(a)
    connections.busy(mine)
    connections.busy(mine)
    connections.idle(mine)
    expect(open(a).destroyed).toBe(true)
    expect(mine.destroyed).toBe(false)
    connections.idle(mine)
    expect(open(a).destroyed).toBe(false)
    expect(mine.destroyed).toBe(true)
  })

  it('are refused where all of that client have a request under way', () => {
    const { connections, open } = setUp(10, 2)
    const mine = [open(a), open(a)]
    for (const one of mine) connections.busy(one)
    expect(open(a).destroyed).toBe(true)
    expect(mine.map(one => one.destroyed)).toEqual([false, false])
    expect(open(b).destroyed).toBe(false)
  })

  it('beyond the number of all take the place of the longest idle of that client, then of all', () => {
    const { connections, open } = setUp(3, 3)
    const [first, mine, other] = [open(b), open(a), open(b)]
    open(a)
    expect([first, mine, other].map(one => one.destroyed)).toEqual([false, true, false])
    const elsewhere = open(client('192.0.2.3'))
    expect(first.destroyed).toBe(true)
    for (const one of connections.sockets) connections.busy(one)
    expect(open(local).destroyed).toBe(true)
    expect(elsewhere.destroyed).toBe(false)
  })

  it('of this computer have the number of all alone', () => {
    const { connections, open } = setUp(5, 1)
    for (let count = 0; count < 5; count++) open(local)
    expect(connections.sockets.size).toBe(5)
    open(local)
    expect(connections.sockets.size).toBe(5)
  })

  it('are known by the socket that TLS puts around them', () => {
    const { connections, open } = setUp(2, 2)
    const plain = open(a)
    const secured = new FakeSocket(a) as unknown as Socket
    connections.replace(plain, secured)
    expect([...connections.sockets]).toEqual([secured])
    connections.busy(secured)
    plain.destroy()
    secured.destroy()
    expect(connections.sockets.size).toBe(0)
  })
})

describe('requests under way', () => {
  it('are counted for each client, and not for this computer', () => {
    const underWay = new ActiveRequests(2)
    const a = client('192.0.2.1')
    underWay.begin(a)
    underWay.begin(a)
    expect(underWay.hasRoom(a)).toBe(false)
    expect(underWay.hasRoom(client('192.0.2.2'))).toBe(true)
    expect(underWay.hasRoom(client('127.0.0.1', true))).toBe(true)
    underWay.end(a)
    expect(underWay.hasRoom(a)).toBe(true)
  })
})

describe('open uploads', () => {
  const a = client('192.0.2.1')

  it('are counted from before they begin until they end', () => {
    const uploads = new OpenUploads(2)
    const [first, second] = [uploads.begin(a), uploads.begin(a)]
    expect(uploads.begin(a)).toBeUndefined()
    expect(uploads.begin(client('192.0.2.2'))).toBeDefined()
    first?.('1')
    second?.(undefined)
    uploads.begin(a)?.('2')
    expect(uploads.begin(a)).toBeUndefined()
    uploads.ended('1')
    uploads.ended('1')
    uploads.begin(a)?.('3')
    expect(uploads.begin(a)).toBeUndefined()
  })

  it('no longer count an hour after the last word about them', () => {
    let now = 1
    const uploads = new OpenUploads(2, () => now)
    uploads.begin(a)?.('1')
    uploads.begin(a)?.('2')
    now += 3_000_000
    uploads.touched('2')
    now += 1_000_000
    uploads.begin(a)?.('3')
    expect(uploads.begin(a)).toBeUndefined()
  })

  it('are not ended by whoever asks for them in another repository', () => {
    const uploads = new OpenUploads(1)
    uploads.begin(a)?.(uploadKey('a', '1'))
    uploads.ended(uploadKey('b', '1'))
    expect(uploads.begin(a)).toBeUndefined()
    uploads.ended(uploadKey('a', '1'))
    expect(uploads.begin(a)).toBeDefined()
  })

  it('of this computer have no number', () => {
    const uploads = new OpenUploads(0)
    expect(uploads.begin(client('127.0.0.1', true))).toBeDefined()
  })
})
