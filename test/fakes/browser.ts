import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { request as httpsRequest } from 'node:https'

export interface Page {
  url: string
  status: number
  headers: IncomingHttpHeaders
  text: string
}

/** What a browser does without showing anything: keeps the cookies of each origin and follows redirects. `ca`: PEM. */
export function createBrowser(ca: string) {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: string): Map<string, string> => {
    const { origin } = new URL(url)
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }

  async function visit(url: string, form?: Record<string, string>): Promise<Page> {
    const page = await ask(url, {
      method: form ? 'POST' : 'GET',
      headers: form ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {},
      body: form ? String(new URLSearchParams(form)) : '',
    })
    const { location } = page.headers
    return location === undefined ? page : visit(new URL(location, url).href)
  }

  /** One request with the cookies of its origin, not redirected. */
  function ask(
    url: string,
    {
      method = 'GET',
      headers = {},
      body = '',
    }: { method?: string; headers?: Record<string, string>; body?: string } = {},
  ): Promise<Page> {
    const jar = jarOf(url)
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const options = {
      method,
      ca,
      headers: { ...headers, ...(cookie === '' ? {} : { Cookie: cookie }) },
    }
    return new Promise((resolve, reject) => {
      const send = url.startsWith('https:') ? httpsRequest : httpRequest
      const sent = send(url, options, answer => {
        for (const line of answer.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
          if (value === '' || /max-age=0\b/i.test(line)) jar.delete(name)
          else jar.set(name, value)
        }
        let text = ''
        answer.setEncoding('utf8').on('data', (piece: string) => {
          text += piece
        })
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({ url, status: answer.statusCode ?? 0, headers: answer.headers, text }),
        )
      })
      sent.on('error', reject)
      sent.end(body)
    })
  }

  return { visit, ask }
}
export type Browser = ReturnType<typeof createBrowser>
