import { expect, it } from 'vitest'
import { findUnservedTag, type SendRegistryRequest } from '../../../core/verify/pull-checks.ts'

/** The tags of one repository, whose every page names the next one. */
function find(next: (page: number) => string | undefined, cancel = new AbortController()) {
  let pages = 0
  const ask: SendRegistryRequest = async () => {
    pages += 1
    const link = next(pages)
    const body = Buffer.from(JSON.stringify({ tags: [`${pages}`] }))
    const header = () => (link === undefined ? undefined : `<${link}>; rel="next"`)
    return { ok: true, value: { status: 200, body, header } }
  }
  const tags = new Map([['app', new Map([['2', 'sha256:a']])]])
  const { signal } = cancel
  return findUnservedTag({ tags, ask, isCached: () => true, progress: () => {}, signal })
}
const failed = (problem: string) => ({ problem, asked: 0, total: 1 })

it('reads the list of tags page by page, and gives up where it has no end', async () => {
  expect(await find(page => (page === 1 ? '/v2/app/tags/list?last=1' : undefined))).toEqual({
    asked: 1,
    total: 1,
  })
  expect(await find(() => '/v2/app/tags/list?last=1')).toEqual(
    failed('the list of tags of app comes back to a page that it had before'),
  )
  expect(await find(page => `/v2/app/tags/list?last=${page}`)).toEqual(
    failed('the list of tags of app does not end after 10000 pages'),
  )
})

it('ends between two pages when it is cancelled', async () => {
  const cancel = new AbortController()
  const next = (page: number): string => {
    if (page === 3) cancel.abort()
    return `/v2/app/tags/list?last=${page}`
  }
  expect(await find(next, cancel)).toEqual(failed('it was cancelled'))
})
