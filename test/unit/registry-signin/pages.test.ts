import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createCookies } from '../../../registry/signin/cookies.ts'
import { homePage, html, keyPage, loginPage, noticePage } from '../../../registry/signin/pages.ts'

const nasty = `<script>"'&`

describe('pages', () => {
  it('escape every value', () => {
    const pages = [
      loginPage({
        host: nasty,
        providers: [{ title: nasty, href: nasty, isDown: false }],
        passwords: true,
        target: nasty,
      }),
      loginPage({
        host: 'h',
        providers: [{ title: nasty, href: '/', isDown: true }],
        passwords: false,
        target: '/',
      }),
      keyPage({ host: 'h', user: nasty, groups: [nasty], lives: [1, 90], usualDays: 90 }),
      homePage({ host: nasty, user: nasty, signsIn: true }),
      noticePage(nasty, { title: nasty, text: nasty }),
    ]
    for (const page of pages) {
      expect(page).not.toContain(nasty)
      expect(page).not.toContain(`'"`)
      expect(page.replaceAll(/<script src="\/login\/page\.js" defer>/g, '')).not.toContain('<script')
    }
  })

  it('have nothing inline, which their policy forbids', () => {
    const page = keyPage({ host: 'h', user: 'u', groups: [], lives: [90], usualDays: 90 })
    expect(page).not.toMatch(/ style=| on\w+=|javascript:/)
    expect(page).toContain('<option value="90" selected>in 90 days</option>')
  })

  it('have a script that parses', () => {
    const script = new URL('../../../registry/signin/page/page.js', import.meta.url)
    expect(() => new Function(readFileSync(script, 'utf8'))).not.toThrow()
  })

  it('quote a user for a shell', () => {
    const page = keyPage({ host: 'h', user: "a'b c", groups: [], lives: [90], usualDays: 90 })
    expect(page).toContain('docker login h -u &#39;a&#39;\\&#39;&#39;b c&#39;<')
  })

  it('are made of parts', () => {
    expect(html`<a>${'<'}${1}${undefined}${[html`<b>`, html`${'&'}`]}</a>`.html).toBe('<a>&lt;1<b>&amp;</a>')
  })
})

describe('cookies', () => {
  it('have the names and visibility of zot', () => {
    expect(createCookies(false).signedIn('id', 'alice+x@example.com', 7_200_000)).toEqual([
      'session=id; Path=/; Max-Age=7200; HttpOnly; SameSite=Lax',
      'user=alice+x@example.com; Path=/; Max-Age=7200; SameSite=Lax',
    ])
    expect(createCookies(true).state('statecookie-a', 'x', 600_000)).toBe(
      'statecookie-a=x; Path=/zot/auth; Max-Age=600; HttpOnly; Secure; SameSite=Lax',
    )
  })

  it('cannot be broken out of by a name', () => {
    expect(createCookies(false).signedIn('id', 'a; Path=/x\r\nb', 1000)[1]).toMatch(
      /^user=a%3B%20Path%3D%2Fx%0D%0Ab;/,
    )
  })
})
