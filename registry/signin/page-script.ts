/** What the pages do in the browser. Served as a file: the policy allows no script within a page. */
export const pageScript = `'use strict'
const byId = id => document.getElementById(id)
const ours = { 'X-ZOT-API-CLIENT': 'zot-ui' }
const day = 86400000

let quiet
// Words that tell of a fault stay until the next ones.
const say = (text, stays = true) => {
  clearTimeout(quiet)
  byId('said').textContent = text
  if (!stays) quiet = setTimeout(() => { byId('said').textContent = '' }, 8000)
}
const listen = (id, type, work) => { const element = byId(id); if (element) element.addEventListener(type, work) }

async function copy(text, name) {
  try {
    await navigator.clipboard.writeText(text)
  } catch {
    // Without TLS there is no clipboard for pages, but for a selection.
    const field = document.createElement('textarea')
    field.value = text
    document.body.append(field)
    field.select()
    const done = document.execCommand('copy')
    field.remove()
    if (!done) return say('The browser does not let this page copy. Select the text instead.')
  }
  say(name + ' copied', false)
}

listen('password-form', 'submit', async event => {
  event.preventDefault()
  const form = event.currentTarget
  const problem = byId('login-problem')
  problem.textContent = ''
  const pair = new TextEncoder().encode(form.username.value + ':' + form.password.value)
  const basic = btoa(String.fromCharCode(...pair))
  let answer
  try {
    answer = await fetch('/zot/auth/login', { method: 'POST', headers: { ...ours, Authorization: 'Basic ' + basic } })
  } catch {
    problem.textContent = 'The registry does not answer. Try again when it is back.'
    return
  }
  if (answer.ok) return location.assign(form.dataset.target)
  const wait = answer.headers.get('Retry-After')
  problem.textContent = answer.status === 429
    ? 'Too many attempts. Try again in ' + wait + ' s.'
    : answer.status === 401 ? 'User or password is wrong.' : 'The registry refused with ' + answer.status + '. Its log says why.'
  form.password.select()
})

listen('sign-out', 'click', async () => {
  const answer = await fetch('/zot/auth/logout', { method: 'POST', headers: ours })
  if (!answer.ok) return say('Signing out failed with ' + answer.status + '. Try again.')
  const { endSessionUrl } = await answer.json()
  if (!endSessionUrl) return location.assign('/login')
  const main = document.querySelector('main')
  const section = document.createElement('section')
  section.className = 'card narrow'
  const head = document.createElement('h1')
  head.textContent = 'Signed out'
  head.tabIndex = -1
  const words = document.createElement('p')
  words.textContent = 'You are signed out of this registry, and still signed in at your identity provider. API keys go on working.'
  const row = document.createElement('p')
  row.className = 'row'
  for (const [text, href] of [['Sign in again', '/login'], ['Sign out there, too', endSessionUrl]]) {
    const link = document.createElement('a')
    link.className = 'btn'
    link.href = href
    link.textContent = text
    row.append(link)
  }
  section.append(head, words, row)
  const said = byId('said')
  said.textContent = ''
  main.replaceChildren(section, said)
  document.querySelector('.account').remove()
  head.focus()
})

async function api(method, query, body) {
  const answer = await fetch('/zot/auth/apikey' + query, {
    method,
    headers: body ? { ...ours, 'Content-Type': 'application/json' } : ours,
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  if (answer.status === 401) location.assign('/login?callback_ui=/user/apikey')
  const text = await answer.text()
  const read = text ? JSON.parse(text) : {}
  if (answer.ok) return read
  const error = read.errors && read.errors[0]
  throw new Error((error && ((error.detail && error.detail.reason) || error.message)) || 'refused with ' + answer.status)
}

const days = (text, now) => Math.round((Date.parse(text) - now) / day)
const plural = (count, one) => count + '\\u00a0' + one + (count === 1 ? '' : 's')
const dateOf = text => new Date(text).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })

function expiryOf(key, now) {
  if (key.isExpired) return 'expired on ' + dateOf(key.expirationDate)
  const left = days(key.expirationDate, now)
  return left < 1 ? 'expires today' : 'expires in ' + plural(left, 'day')
}

function usedOf(key, now) {
  if (key.lastUsed.startsWith('0001-')) return 'never used'
  const ago = -days(key.lastUsed, now)
  return ago < 1 ? 'used in the last day' : 'last used ' + plural(ago, 'day') + ' ago'
}

let shown = []

function rowOf(key, now) {
  const item = document.createElement('li')
  const text = document.createElement('div')
  const label = document.createElement('strong')
  label.textContent = key.label || 'without a label'
  const facts = document.createElement('p')
  facts.className = 'two'
  const rights = (key.scopes || []).map(scope => scope === 'repository:**:read' ? 'pull only' : scope)
  facts.textContent = [expiryOf(key, now), usedOf(key, now), 'made ' + dateOf(key.createdAt), ...rights].join(' \\u00b7 ')
  facts.title = 'Expires ' + key.expirationDate
  const near = !key.isExpired && days(key.expirationDate, now) <= 14
  if (key.isExpired || near) {
    const mark = document.createElement('span')
    mark.className = key.isExpired ? 'tag gone' : 'tag attention'
    mark.textContent = key.isExpired ? 'expired' : 'ends soon'
    label.append(' ', mark)
  }
  text.append(label, facts)
  const button = document.createElement('button')
  button.className = 'btn small danger'
  button.type = 'button'
  button.textContent = 'Revoke\\u2026'
  button.setAttribute('aria-label', 'Revoke ' + (key.label || 'the key without a label') + '\\u2026')
  button.addEventListener('click', () => askRevoke(key))
  item.append(text, button)
  return item
}

function successorsOf(uuid) {
  const found = shown.filter(key => key.mintedBy === uuid)
  return found.flatMap(key => [key, ...successorsOf(key.uuid)])
}

let asked

function askRevoke(key) {
  asked = key
  byId('revoke-head').textContent = 'Revoke ' + (key.label ? '\\u201c' + key.label + '\\u201d' : 'the key without a label') + '?'
  const count = successorsOf(key.uuid).length
  byId('successors').hidden = count === 0
  byId('with-successors').nextElementSibling.textContent = 'also the ' + plural(count, 'key') + ' that it made'
  byId('revoke').showModal()
}

async function show() {
  const list = byId('keys')
  if (!list) return
  try {
    const { apiKeys } = await api('GET', '')
    shown = apiKeys || []
  } catch (error) {
    return say('The keys cannot be listed: ' + error.message)
  }
  const now = Date.now()
  list.replaceChildren(...[...shown].reverse().map(key => rowOf(key, now)))
  byId('no-keys').hidden = shown.length > 0
}

let secret = ''

function showSecret(revealed) {
  byId('secret').textContent = revealed ? secret : secret.slice(0, 4) + '\\u2022'.repeat(12)
  byId('reveal').textContent = revealed ? 'Hide' : 'Reveal'
  byId('reveal').setAttribute('aria-pressed', String(revealed))
}

listen('key-form', 'submit', async event => {
  event.preventDefault()
  const form = event.currentTarget
  byId('key-problem').textContent = ''
  const until = new Date(Date.now() + Number(form.days.value) * day)
  try {
    const made = await api('POST', '', {
      label: form.label.value.trim(),
      scopes: form.rights.value ? [form.rights.value] : [],
      expirationDate: until.toISOString(),
    })
    secret = made.apiKey
    showSecret(false)
    byId('made-head').textContent = 'The key \\u201c' + made.label + '\\u201d is made'
    byId('made').hidden = false
    byId('made-head').focus()
    form.reset()
    await show()
  } catch (error) {
    byId('key-problem').textContent = 'No key was made: ' + error.message
  }
})
listen('reveal', 'click', event => showSecret(event.currentTarget.getAttribute('aria-pressed') !== 'true'))
listen('copy-secret', 'click', () => copy(secret, 'Key'))
listen('copy-command', 'click', () => copy(byId('command').textContent, 'Command'))
listen('made-done', 'click', () => {
  secret = ''
  byId('made').hidden = true
  byId('secret').textContent = ''
  byId('list-head').focus()
})
listen('keep', 'click', () => byId('revoke').close())
listen('revoke-it', 'click', async () => {
  byId('revoke').close()
  const also = !byId('successors').hidden && byId('with-successors').checked
  try {
    await api('DELETE', '?id=' + encodeURIComponent(asked.uuid) + (also ? '&descendants=true' : ''))
    say('Revoked ' + (asked.label || 'the key'), false)
  } catch (error) {
    say('Not revoked: ' + error.message)
  }
  await show()
  byId('list-head').focus()
})
show()
`
