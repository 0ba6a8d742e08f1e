/** Text that is HTML already. */
export interface Html {
  readonly html: string
}

type Part = Html | string | number | undefined | readonly Html[]

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Builds HTML from a template; every value that is not HTML itself is escaped, undefined is nothing. */
export function html(texts: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return { html: texts.map((text, at) => text + printed(parts[at])).join('') }
}

function printed(part: Part): string {
  if (part === undefined) return ''
  if (typeof part === 'string' || typeof part === 'number') {
    return String(part).replace(/[&<>"']/g, sign => escapes[sign] ?? '')
  }
  return 'html' in part ? part.html : part.map(one => one.html).join('')
}

const stylePath = '/login/page.css'
const scriptPath = '/login/page.js'
const iconPath = '/login/icon.svg'

interface PageContent {
  readonly title: string
  /** The registry's address without scheme, for the top of the page. */
  readonly host: string
  readonly user?: string | undefined
  readonly body: Html
}

/** What all pages share. Nothing in them is inline or from elsewhere: the policy allows neither. */
function pageOf({ title, host, user, body }: PageContent): string {
  const account = user === undefined ? undefined : accountLine(user)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} - ${host}</title>
<link rel="icon" href="${iconPath}" type="image/svg+xml">
<link rel="stylesheet" href="${stylePath}">
<script src="${scriptPath}" defer></script>
</head>
<body>
<header><a class="host" href="/"><img src="${iconPath}" alt="" width="18" height="18"> ${host}</a>${account}</header>
<main>
${body}
<p class="said" id="said" role="status"></p>
</main>
</body>
</html>
`.html
}

const accountLine = (user: string): Html =>
  html`<div class="account"><span class="clip" id="user">${user}</span><button class="btn small" type="button" id="sign-out">Sign out</button></div>`

/** A provider as the sign-in page shows it. */
interface ProviderLink {
  readonly title: string
  readonly href: string
  readonly isDown: boolean
}

export interface LoginPage {
  readonly host: string
  readonly providers: readonly ProviderLink[]
  readonly passwords: boolean
  /** Where to go afterwards; checked. */
  readonly target: string
}

export function loginPage({ host, providers, passwords, target }: LoginPage): string {
  const links = providers.map(one =>
    one.isDown
      ? html`<div class="down" role="note"><strong>${one.title} does not answer</strong>
<p>Signing in with it works again as soon as it does.${passwords ? ' Your password here works' : ' API keys work'} as before. <a href="">Try again</a></p></div>`
      : html`<a class="btn wide${passwords ? '' : ' fill'}" href="${one.href}">Sign in with ${one.title}</a>`,
  )
  const between = passwords && providers.length > 0 ? html`<p class="or"><span>or</span></p>` : undefined
  const body = html`<section class="card narrow" aria-labelledby="head">
<h1 id="head">Sign in</h1>
<p class="two">to manage the API keys that you push and pull with</p>
${links}${between}${passwords ? passwordForm(target) : undefined}
</section>`
  return pageOf({ title: 'Sign in', host, body })
}

const passwordForm = (target: string): Html => html`<form id="password-form" data-target="${target}">
<label for="name">User</label>
<input id="name" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<p class="problem" id="login-problem" role="alert"></p>
<button class="btn fill wide" type="submit">Sign in</button>
<noscript><p class="two">This page needs JavaScript to send your password.</p></noscript>
</form>`

export interface KeyPage {
  readonly host: string
  readonly user: string
  readonly groups: readonly string[]
  /** Lives to choose from, days; the first one that equals `usualDays` is chosen. Undefined: no API keys here. */
  readonly lives: readonly number[] | undefined
  readonly usualDays: number
}

export function keyPage({ host, user, groups, lives, usualDays }: KeyPage): string {
  const about = groups.length === 0 ? undefined : html` Your groups: ${groups.join(', ')}.`
  const body =
    lives === undefined
      ? html`<section class="card" aria-labelledby="head"><h1 id="head">API keys</h1>
<p>This registry has no API keys. The key <code>http.auth.apikey</code> in its config.json brings them.</p></section>`
      : html`<h1>API keys</h1>
<p class="two lead">Use one in place of a password, for <code>docker login</code> or in CI. It may do what you may do.${about}</p>
<section class="card made" id="made" aria-labelledby="made-head" hidden>
<h2 id="made-head" tabindex="-1"></h2>
<p>Copy it now: it is not kept and never shown again.</p>
<div class="line"><code class="secret" id="secret"></code>
<button class="btn small" type="button" id="reveal" aria-pressed="false">Reveal</button>
<button class="btn small fill" type="button" id="copy-secret">Copy key</button></div>
<p class="two">Then sign in with it as the password:</p>
<div class="line"><code class="command" id="command">docker login ${host} -u ${quoted(user)}</code>
<button class="btn small" type="button" id="copy-command">Copy command</button></div>
<p><button class="btn" type="button" id="made-done">Done</button></p>
</section>
<section class="card" aria-labelledby="new-head">
<h2 id="new-head">New key</h2>
<form id="key-form">
<div><label for="label">Label</label>
<input id="label" name="label" maxlength="100" placeholder="laptop, CI of a project" autocomplete="off" required></div>
<div><label for="days">Expires</label>
<select id="days" name="days">${lives.map(days => lifeOption(days, days === usualDays))}</select></div>
<div><label for="rights">May</label>
<select id="rights" name="rights"><option value="">all that you may</option><option value="repository:**:read">pull only</option></select></div>
<button class="btn fill" type="submit">Create key</button>
</form>
<p class="problem" id="key-problem" role="alert"></p>
</section>
<section class="card" aria-labelledby="list-head">
<h2 id="list-head" tabindex="-1">Your keys</h2>
<p class="two" id="no-keys" hidden>No keys yet. Create one above.</p>
<ul class="keys" id="keys"></ul>
</section>
<dialog id="revoke" aria-labelledby="revoke-head">
<h2 id="revoke-head"></h2>
<p>Whatever signs in with it is refused from then on. This cannot be undone.</p>
<p class="check" id="successors" hidden><input type="checkbox" id="with-successors" checked><label for="with-successors"></label></p>
<div class="row"><button class="btn" type="button" id="keep">Keep it</button><button class="btn danger" type="button" id="revoke-it">Revoke</button></div>
</dialog>`
  return pageOf({ title: 'API keys', host, user, body })
}

/** For a shell. */
const quoted = (user: string): string =>
  /^[\w@.+-]+$/.test(user) ? user : `'${user.replaceAll("'", "'\\''")}'`

const lifeOption = (days: number, chosen: boolean): Html => {
  const text = days === 1 ? 'in 1 day' : `in ${days} days`
  return chosen
    ? html`<option value="${days}" selected>${text}</option>`
    : html`<option value="${days}">${text}</option>`
}

export interface HomePage {
  readonly host: string
  readonly user: string | undefined
  /** Whether there is anything to sign in with. */
  readonly signsIn: boolean
}

export function homePage({ host, user, signsIn }: HomePage): string {
  const next =
    user === undefined
      ? html`<a class="btn" href="/login">Sign in</a>`
      : html`<a class="btn" href="/user/apikey">API keys</a>`
  const body = html`<section class="card" aria-labelledby="head">
<h1 id="head">A container registry</h1>
<p class="two">It answers container tools at this address. Pull and push like this:</p>
<pre tabindex="0" role="region" aria-label="Commands"><code>docker pull ${host}/NAME:TAG
docker push ${host}/NAME:TAG</code></pre>
${signsIn ? html`<p class="row">${next}</p>` : undefined}
</section>`
  return pageOf({ title: 'Registry', host, user, body })
}

/** A page that says what went wrong and what to do. */
export function noticePage(host: string, notice: Notice): string {
  const { title, text, again } = notice
  const body = html`<section class="card narrow" aria-labelledby="head">
<h1 id="head">${title}</h1>
<p>${text}</p>
<p class="row"><a class="btn" href="${again ?? '/login'}">${again === undefined ? 'Back to sign-in' : 'Try again'}</a></p>
</section>`
  return pageOf({ title, host, body })
}

export interface Notice {
  readonly title: string
  readonly text: string
  /** An address of ours. */
  readonly again?: string
}
