import { type Html, html } from './html.ts'

const stylePath = '/login/page.css'
const scriptPath = '/login/page.js'
const iconPath = '/login/icon.svg'

export interface PageParts {
  readonly title: string
  /** The registry's address without scheme, for the top of the page. */
  readonly host: string
  readonly user?: string | undefined
  readonly body: Html
}

/** What all pages share. Nothing in them is inline or from elsewhere: the policy allows neither. */
export function pageOf({ title, host, user, body }: PageParts): string {
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
