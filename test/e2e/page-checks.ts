import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import axe from 'axe-core'

const pictures = join(import.meta.dirname, '..', '..', 'test-results', 'pictures')

/** Collects what a page must never do: log an error (a breach of the policy is one) or ask anyone else for anything. */
export function watch(page: Page): { breaches: string[] } {
  const breaches: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') breaches.push(message.text())
  })
  page.on('pageerror', error => breaches.push(error.message))
  page.on('request', request => {
    if (!/^(http:\/\/127\.0\.0\.1:|data:)/.test(request.url())) breaches.push(`asked ${request.url()}`)
  })
  return { breaches }
}

/**
 * The page's time stands still from its beginning on, until `page.clock` moves it: what is shown for a while only stays as
 * long as the test needs. Returns that time, in ms since the epoch.
 */
export async function holdTime(page: Page): Promise<number> {
  const time = Date.now()
  // It runs until it is held, and can only be held ahead of where it is then.
  await page.clock.install({ time: time - 3_600_000 })
  await page.clock.pauseAt(time)
  return time
}

/**
 * Notes every text that the first element of `selector` has from now on, however short it stands: the page sees each, a
 * test on a busy machine does not. Returns how to read them, in order.
 */
export async function record(page: Page, selector: string): Promise<() => Promise<string[]>> {
  await page.evaluate(watched => {
    const texts: string[] = []
    const note = (): void => {
      const text = document.querySelector(watched)?.textContent ?? ''
      if (text !== texts.at(-1)) texts.push(text)
    }
    note()
    new MutationObserver(note).observe(document.body, {
      subtree: true,
      childList: true,
      characterData: true,
      attributes: true,
    })
    Object.assign(window, { recorded: texts })
  }, selector)
  return () => page.evaluate(() => Reflect.get(window, 'recorded'))
}

const standards = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
/** The rules of axe that look at colours, which is all that a scheme changes. */
const rulesOnColours = ['color-contrast', 'link-in-text-block']

/** No finding of axe against WCAG 2.2 AA or its best practices, or those alone that depend on colours. */
async function expectAccessible(page: Page, runOnly: axe.RunOnly): Promise<void> {
  // Pages have no frames, so that nothing has to be joined.
  expect(page.frames()).toHaveLength(1)
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  const found = await page.evaluate(
    async options => {
      const { run }: typeof axe = Reflect.get(window, 'axe')
      const { violations } = await run(document, options)
      return violations.map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map(({ html, any }) => `${html} ${any.map(check => check.message).join(' ')}`).join(' | ')}`,
      )
    },
    { runOnly, resultTypes: ['violations'] } satisfies axe.RunOptions,
  )
  expect(found).toEqual([])
}

/** Keeps a picture of the page for people to look at. */
async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(pictures, { recursive: true })
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, animations: 'disabled' })
}

/** Accessible, and kept as a picture, in the light and in the dark. */
export async function inBothSchemes(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    await picture(page, `${name}-${colorScheme}`)
    await expectAccessible(
      page,
      colorScheme === 'light' ? { type: 'tag', values: standards } : { type: 'rule', values: rulesOnColours },
    )
  }
}
