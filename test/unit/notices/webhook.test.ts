import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Message,
  parseWebhook,
  post as postBy,
  type WebhookTarget,
} from '../../../core/notices/webhook.ts'
import { createWeb } from '../../../core/platform/web.ts'
import { startConnectProxy } from '../../fakes/connect-proxy.ts'

const message: Message = {
  id: 'key-expiring:u1:7',
  event: 'key-expiring',
  title: 'The key of zot-ci ends in 7\u00a0days',
  body: 'Rotate it — soon.',
  facts: { user: 'zot-ci', daysLeft: 7 },
}

const web = createWeb({ environment: {} })
afterAll(() => web.close())
const post = (target: WebhookTarget, what: Message) => postBy(web, target, what)

let server: Server
let url: string
let status = 200
let got: { path: string; headers: IncomingHttpHeaders; body: string }[]
beforeEach(async () => {
  got = []
  status = 200
  server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    request.on('end', () => {
      got.push({ path: request.url ?? '', headers: request.headers, body })
      response.writeHead(status, status === 302 ? { location: 'http://127.0.0.1:1/' } : {}).end('ok')
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/topic`
})
afterEach(() => new Promise(done => server.close(done)))

describe('the webhook', () => {
  it.each([
    ['https://hooks.slack.com/services/x', 'slack'],
    ['https://ntfy.sh/topic', 'ntfy'],
    ['https://ntfy.example.net/topic', 'ntfy'],
    ['https://example.net/hook', 'json'],
    ['slack+https://chat.example.net/hook', 'slack'],
  ])('knows the form of %s', (text, shape) => {
    expect(parseWebhook(text)?.shape).toBe(shape)
  })

  it.each(['', 'example.net', 'ftp://x', 'teams+https://x', 'https://'])('refuses "%s"', text => {
    expect(parseWebhook(text)).toBeUndefined()
  })

  it('sends all there is as JSON', async () => {
    expect(await post({ url, shape: 'json' }, message)).toBeUndefined()
    expect(got[0]?.headers['content-type']).toBe('application/json')
    expect(JSON.parse(got[0]?.body ?? '')).toEqual({
      id: message.id,
      event: 'key-expiring',
      title: message.title,
      body: message.body,
      user: 'zot-ci',
      daysLeft: 7,
    })
  })

  it('sends ntfy the words, with a title that fits into a header', async () => {
    expect(await post({ url, shape: 'ntfy' }, message)).toBeUndefined()
    expect(got[0]?.body).toBe('Rotate it — soon.')
    expect(got[0]?.headers['title']).toBe('The key of zot-ci ends in 7 days')
    expect(got[0]?.path).toBe('/topic')
  })

  it('sends Slack one text', async () => {
    expect(await post({ url, shape: 'slack' }, message)).toBeUndefined()
    expect(JSON.parse(got[0]?.body ?? '')).toEqual({ text: `*${message.title}*\n${message.body}` })
  })

  it('takes a user and password out of the address', async () => {
    const named = url.replace('http://', 'http://me:se%20cret@')
    expect(await post({ url: named, shape: 'json' }, message)).toBeUndefined()
    expect(got[0]?.headers.authorization).toBe(`Basic ${Buffer.from('me:se cret').toString('base64')}`)
    const odd = url.replace('http://', 'http://me:100%@')
    expect(await post({ url: odd, shape: 'json' }, message)).toBeUndefined()
    expect(got[1]?.headers.authorization).toBe(`Basic ${Buffer.from('me:100%').toString('base64')}`)
  })

  it('goes through the proxy of the environment, as all that leaves this computer', async () => {
    const proxy = await startConnectProxy()
    proxy.refuse(403)
    const through = createWeb({ environment: { https_proxy: proxy.url } })
    const away = { url: 'https://hook.invalid/topic', shape: 'json' } as const
    expect(await postBy(through, away, message)).toMatch(
      /^it cannot be reached \(the proxy .* answers 403\)$/,
    )
    expect(proxy.asked).toEqual(['hook.invalid:443'])
    await through.close()
    await proxy.close()
  })

  it.each([
    [500, 'it answers 500'],
    [403, 'it answers 403'],
    [302, 'it answers 302'],
  ])('says that %d is no delivery', async (code, reason) => {
    status = code
    expect(await post({ url, shape: 'json' }, message)).toBe(reason)
    expect(got).toHaveLength(1)
  })

  it('says that nobody answers', async () => {
    expect(await post({ url: 'http://127.0.0.1:1/', shape: 'json' }, message)).toMatch(
      /^it cannot be reached/,
    )
  })
})
