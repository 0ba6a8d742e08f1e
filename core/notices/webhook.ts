import type { Web } from '../platform/web.ts'

/** What is announced outside of this computer. Plain words and facts, never a secret. */
export interface Message {
  /** The same for each attempt to deliver it. */
  id: string
  event: 'key-expiring' | 'key-expired'
  title: string
  body: string
  facts: Record<string, string | number>
}

type Shape = 'ntfy' | 'slack' | 'json'

export interface WebhookTarget {
  url: string
  shape: Shape
}

/**
 * "https://…", with the form of its messages before it where its host does not say: "ntfy+https://…",
 * "slack+https://…", "json+https://…". Undefined when it is no such address.
 */
export function parseWebhook(text: string): WebhookTarget | undefined {
  const match = /^(?:(ntfy|slack|json)\+)?(https?:\/\/\S+)$/.exec(text.trim())
  const address = match?.[2]
  if (address === undefined || !URL.canParse(address)) return undefined
  const { hostname } = new URL(address)
  const named = shapes.find(shape => shape === match?.[1])
  const byHost = hostname === 'hooks.slack.com' ? 'slack' : hostname.startsWith('ntfy.') ? 'ntfy' : 'json'
  return { url: address, shape: named ?? byHost }
}

const shapes: readonly Shape[] = ['ntfy', 'slack', 'json']
const limitMs = 10_000

/** Delivers once; the reason when it was not taken, as half a sentence. A redirect is not followed. */
export async function post(
  web: Pick<Web, 'post'>,
  { url, shape }: WebhookTarget,
  message: Message,
): Promise<string | undefined> {
  const { body, headers } = requestFor(shape, message)
  const sent = await web.post(withoutUser(url), {
    body,
    headers: { ...headers, ...authorizationIn(url) },
    signal: AbortSignal.timeout(limitMs),
  })
  if (sent.ok) return isAccepted(sent.value.status) ? undefined : `it answers ${sent.value.status}`
  switch (sent.error.code) {
    case 'cancelled':
      return `it did not answer within ${limitMs / 1000} s`
    case 'web-unreachable':
      return `it cannot be reached (${sent.error.reason})`
    default:
      return 'it cannot be reached'
  }
}

const isAccepted = (status: number): boolean => status >= 200 && status < 300

/**
 * ntfy takes the words as they are and the rest as headers (https://docs.ntfy.sh/publish/), Slack one text
 * (https://api.slack.com/messaging/webhooks), anything else gets all of it as JSON.
 */
function requestFor(shape: Shape, message: Message): { body: string; headers: Record<string, string> } {
  const { id, event, title, body, facts } = message
  switch (shape) {
    case 'ntfy':
      return {
        body,
        headers: {
          title: ascii(title),
          tags: 'key',
          priority: event === 'key-expired' ? 'high' : 'default',
          'content-type': 'text/plain; charset=utf-8',
        },
      }
    case 'slack':
      return json({ text: `*${title}*\n${body}` })
    default:
      return json({ id, event, title, body, ...facts })
  }
}

const json = (value: object) => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
})

/** A header holds no other letters. */
const ascii = (text: string): string => text.replaceAll('\u00a0', ' ').replace(/[^\x20-\x7e]/g, '?')

function authorizationIn(url: string): Record<string, string> {
  const { username, password } = new URL(url)
  if (username === '' && password === '') return {}
  const pair = `${unescaped(username)}:${unescaped(password)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

/** A percent sign that escapes nothing stands for itself. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function withoutUser(url: string): string {
  const parsed = new URL(url)
  parsed.username = ''
  parsed.password = ''
  return parsed.href
}
