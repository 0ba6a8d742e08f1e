// What the sign-in pages do in the browser. Served as a file: their policy allows no script within a page.

/**
 * An API key, as GET /zot/auth/apikey describes it.
 * @typedef {object} Key
 * @property {string} uuid
 * @property {string} label
 * @property {string[]} [scopes]
 * @property {string} createdAt
 * @property {string} expirationDate
 * @property {boolean} isExpired
 * @property {string} lastUsed
 * @property {string} [mintedBy]
 */

/** Shows the registry that one of its own pages asks. */
const pageHeaders = { 'X-ZOT-API-CLIENT': 'zot-ui' }
const day = 86400000

/**
 * An element that the page of the caller has.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [kind]
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id)
  if (!(found instanceof (kind ?? HTMLElement))) throw new Error(`the page has no ${id}`)
  return /** @type {T} */ (found)
}

/**
 * A field of a form, by name.
 * @param {HTMLFormElement} form
 * @param {string} name
 * @returns {HTMLInputElement | HTMLSelectElement}
 */
function field(form, name) {
  const found = form.elements.namedItem(name)
  if (found instanceof HTMLInputElement || found instanceof HTMLSelectElement) return found
  throw new Error(`the form has no ${name}`)
}

/**
 * Listens to an element, if this page has it.
 * @template {keyof HTMLElementEventMap} E
 * @param {string} id
 * @param {E} type
 * @param {(event: HTMLElementEventMap[E]) => void} listener
 */
function listen(id, type, listener) {
  document.getElementById(id)?.addEventListener(type, listener)
}

/** @type {number | undefined} */
let clearing

/**
 * Shows a message below the page. One about a fault stays until the next message.
 * @param {string} text
 * @param {boolean} [stays]
 */
function announce(text, stays = true) {
  clearTimeout(clearing)
  const line = element('said')
  line.textContent = text
  if (stays) return
  clearing = setTimeout(() => {
    line.textContent = ''
  }, 8000)
}

/** @param {unknown} error */
const reasonOf = error => (error instanceof Error ? error.message : String(error))

/** @param {string} text @param {string} name */
async function copy(text, name) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    // Without TLS a page has no clipboard, but it may copy a selection.
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const isCopied = document.execCommand('copy')
    area.remove()
    if (!isCopied) return announce('The browser does not let this page copy. Select the text instead.')
  }
  announce(`${name} copied`, false)
}

listen('password-form', 'submit', async event => {
  event.preventDefault()
  const form = element('password-form', HTMLFormElement)
  const password = field(form, 'password')
  const problem = element('login-problem')
  problem.textContent = ''
  const pair = new TextEncoder().encode(`${field(form, 'username').value}:${password.value}`)
  const basic = btoa(String.fromCharCode(...pair))
  let answer
  try {
    answer = await fetch('/zot/auth/login', {
      method: 'POST',
      headers: { ...pageHeaders, Authorization: `Basic ${basic}` },
    })
  } catch {
    problem.textContent = 'The registry does not answer. Try again when it is back.'
    return
  }
  if (answer.ok) return location.assign(form.dataset['target'] ?? '/')
  problem.textContent = refusalOf(answer)
  if (password instanceof HTMLInputElement) password.select()
})

/** @param {Response} answer */
function refusalOf({ status, headers }) {
  if (status === 429) return `Too many attempts. Try again in ${headers.get('Retry-After')} s.`
  if (status === 401) return 'User or password is wrong.'
  return `The registry refused with ${status}. Its log says why.`
}

listen('sign-out', 'click', async () => {
  const answer = await fetch('/zot/auth/logout', { method: 'POST', headers: pageHeaders })
  if (!answer.ok) return announce(`Signing out failed with ${answer.status}. Try again.`)
  /** @type {{ endSessionUrl?: string }} */
  const { endSessionUrl } = await answer.json()
  if (!endSessionUrl) return location.assign('/login')
  const section = document.createElement('section')
  section.className = 'card narrow'
  const heading = document.createElement('h1')
  heading.textContent = 'Signed out'
  heading.tabIndex = -1
  const text = document.createElement('p')
  text.textContent =
    'You are signed out of this registry, and still signed in at your identity provider. API keys go on working.'
  const row = document.createElement('p')
  row.className = 'row'
  row.append(linkTo('/login', 'Sign in again'), linkTo(endSessionUrl, 'Sign out there, too'))
  section.append(heading, text, row)
  const line = element('said')
  line.textContent = ''
  document.querySelector('main')?.replaceChildren(section, line)
  document.querySelector('.account')?.remove()
  heading.focus()
})

/** @param {string} href @param {string} text */
function linkTo(href, text) {
  const link = document.createElement('a')
  link.className = 'btn'
  link.href = href
  link.textContent = text
  return link
}

/**
 * Asks for the signed-in user's keys. Throws with the registry's reason where it refuses.
 * @param {'GET' | 'POST' | 'DELETE'} method
 * @param {string} query
 * @param {object} [body]
 * @returns {Promise<{ apiKeys?: Key[], apiKey?: string, label?: string }>}
 */
async function askForKeys(method, query, body) {
  const answer = await fetch(`/zot/auth/apikey${query}`, {
    method,
    headers: body ? { ...pageHeaders, 'Content-Type': 'application/json' } : pageHeaders,
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  if (answer.status === 401) location.assign('/login?callback_ui=/user/apikey')
  const text = await answer.text()
  const read = text ? JSON.parse(text) : {}
  if (answer.ok) return read
  const error = read.errors?.[0]
  throw new Error(error?.detail?.reason || error?.message || `refused with ${answer.status}`)
}

/** @type {(time: string, now: number) => number} */
const daysUntil = (time, now) => Math.round((Date.parse(time) - now) / day)

/** @type {(count: number, one: string) => string} */
const plural = (count, one) => `${count}\u00a0${one}${count === 1 ? '' : 's'}`

/** @param {string} time */
const dateOf = time =>
  new Date(time).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })

/**
 * Nights until the day of the end, by the calendar of the reader: the rule of Zotbar's own pages and lists, which this
 * page cannot import (contract/messages/remaining-time.ts).
 * @type {(time: string, now: number) => number}
 */
const daysLeft = (time, now) => dayNumber(Date.parse(time)) - dayNumber(now)

/** @type {(at: number) => number} */
const dayNumber = at => Math.floor((at - new Date(at).getTimezoneOffset() * 60000) / day)

/** @type {(time: string) => string} */
const clockOf = time => new Date(time).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' })

/** @param {Key} key @param {number} now */
function expiryOf(key, now) {
  if (key.isExpired) return `ended on ${dateOf(key.expirationDate)}`
  const left = daysLeft(key.expirationDate, now)
  if (left > 1) return `${plural(left, 'day')} left`
  return `ends ${left === 1 ? 'tomorrow' : 'today'} ${clockOf(key.expirationDate)}`
}

/** @param {Key} key @param {number} now */
function lastUseOf(key, now) {
  // The time that stands for never.
  if (key.lastUsed.startsWith('0001-')) return 'never used'
  const ago = -daysUntil(key.lastUsed, now)
  return ago < 1 ? 'used in the last day' : `last used ${plural(ago, 'day')} ago`
}

/** @param {Key} key @param {number} now */
function itemOf(key, now) {
  const item = document.createElement('li')
  const text = document.createElement('div')
  const label = document.createElement('strong')
  label.textContent = key.label || 'without a label'
  const details = document.createElement('p')
  details.className = 'two'
  const rights = (key.scopes ?? []).map(scope => (scope === 'repository:**:read' ? 'pull only' : scope))
  const parts = [expiryOf(key, now), lastUseOf(key, now), `made ${dateOf(key.createdAt)}`, ...rights]
  details.textContent = parts.join(' \u00b7 ')
  details.title = `Expires ${key.expirationDate}`
  const endsSoon = !key.isExpired && daysLeft(key.expirationDate, now) <= 30
  if (key.isExpired || endsSoon) {
    const mark = document.createElement('span')
    mark.className = key.isExpired ? 'tag gone' : 'tag attention'
    mark.textContent = key.isExpired ? 'expired' : 'ends soon'
    label.append(' ', mark)
  }
  text.append(label, details)
  const button = document.createElement('button')
  button.className = 'btn small danger'
  button.type = 'button'
  button.textContent = 'Revoke\u2026'
  button.setAttribute('aria-label', `Revoke ${key.label || 'the key without a label'}\u2026`)
  button.addEventListener('click', () => askToRevoke(key))
  item.append(text, button)
  return item
}

/** @type {Key[]} */
let keys = []

/**
 * The keys that came out of one, over any number of steps.
 * @param {string} uuid
 * @returns {Key[]}
 */
function successorsOf(uuid) {
  const made = keys.filter(key => key.mintedBy === uuid)
  return made.flatMap(key => [key, ...successorsOf(key.uuid)])
}

/** @type {Key | undefined} */
let keyToRevoke

/** @param {Key} key */
function askToRevoke(key) {
  keyToRevoke = key
  const name = key.label ? `\u201c${key.label}\u201d` : 'the key without a label'
  element('revoke-head').textContent = `Revoke ${name}?`
  const count = successorsOf(key.uuid).length
  element('successors').hidden = count === 0
  const checkbox = element('with-successors', HTMLInputElement)
  const label = checkbox.nextElementSibling
  if (label) label.textContent = `also the ${plural(count, 'key')} that it made`
  element('revoke', HTMLDialogElement).showModal()
}

async function showKeys() {
  const list = document.getElementById('keys')
  if (!list) return
  try {
    const { apiKeys } = await askForKeys('GET', '')
    keys = apiKeys ?? []
  } catch (error) {
    return announce(`The keys cannot be listed: ${reasonOf(error)}`)
  }
  const now = Date.now()
  list.replaceChildren(...[...keys].reverse().map(key => itemOf(key, now)))
  element('no-keys').hidden = keys.length > 0
}

/** The key that was just made. */
let secret = ''

/** @param {boolean} isRevealed */
function showSecret(isRevealed) {
  element('secret').textContent = isRevealed ? secret : secret.slice(0, 4) + '\u2022'.repeat(12)
  const button = element('reveal')
  button.textContent = isRevealed ? 'Hide' : 'Reveal'
  button.setAttribute('aria-pressed', String(isRevealed))
}

listen('key-form', 'submit', async event => {
  event.preventDefault()
  const form = element('key-form', HTMLFormElement)
  element('key-problem').textContent = ''
  const expires = new Date(Date.now() + Number(field(form, 'days').value) * day)
  const scope = field(form, 'rights').value
  try {
    const made = await askForKeys('POST', '', {
      label: field(form, 'label').value.trim(),
      scopes: scope ? [scope] : [],
      expirationDate: expires.toISOString(),
    })
    secret = made.apiKey ?? ''
    showSecret(false)
    const heading = element('made-head')
    heading.textContent = `The key \u201c${made.label}\u201d is made`
    element('made').hidden = false
    heading.focus()
    form.reset()
    await showKeys()
  } catch (error) {
    element('key-problem').textContent = `No key was made: ${reasonOf(error)}`
  }
})

listen('reveal', 'click', () => showSecret(element('reveal').getAttribute('aria-pressed') !== 'true'))
listen('copy-secret', 'click', () => copy(secret, 'Key'))
listen('copy-command', 'click', () => copy(element('command').textContent ?? '', 'Command'))
listen('made-done', 'click', () => {
  secret = ''
  element('made').hidden = true
  element('secret').textContent = ''
  element('list-head').focus()
})

listen('keep', 'click', () => element('revoke', HTMLDialogElement).close())
listen('revoke-it', 'click', async () => {
  element('revoke', HTMLDialogElement).close()
  const key = keyToRevoke
  if (!key) return
  const withSuccessors = !element('successors').hidden && element('with-successors', HTMLInputElement).checked
  try {
    const also = withSuccessors ? '&descendants=true' : ''
    await askForKeys('DELETE', `?id=${encodeURIComponent(key.uuid)}${also}`)
    announce(`Revoked ${key.label || 'the key'}`, false)
  } catch (error) {
    announce(`Not revoked: ${reasonOf(error)}`)
  }
  await showKeys()
  element('list-head').focus()
})

void showKeys()
