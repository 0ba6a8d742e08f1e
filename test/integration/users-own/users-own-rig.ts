import { type ChildProcess, execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { RunbookEnd } from '../../../contract/runbook.ts'
import { type Browser, createBrowser } from '../../fakes/browser.ts'
import { authorityOf, startCaddy } from '../../fakes/caddy.ts'
import { type Containerd, startContainerd } from '../../fakes/containerd.ts'
import { client, IdentityProvider } from '../../fakes/identity-provider.ts'
import { freePort } from '../../setup/free-port.ts'
import { createAppRig, targetAt } from '../app/app-rig.ts'
import { pushImage } from '../registry/client.ts'
import { startRegistry } from '../registry/registry-process.ts'

const execute = promisify(execFile)
const fixture = new URL('../../fixtures/users-own/config.json', import.meta.url)

/** The groups of the three tiers; everybody else is anonymous. */
const people = { 'zot-ci': ['artifact-workloads'], boss: ['admins'], guest: [] } as const
export type Person = keyof typeof people

export interface Reply {
  status: number
  text: string
}

/**
 * A set-up as people have it who run zot with OIDC, CI keys and a pull-through cache behind caddy: config.json as theirs,
 * with what its placeholders name on loopback. Nothing is started of Zotbar.
 */
export async function createUsersOwnRig(engine: 'zotbar-registry' | 'zot') {
  const proxyPort = await freePort()
  const externalUrl = `https://localhost:${proxyPort}`
  const provider = await IdentityProvider.start('/application/o/zot/')
  for (const [name, groups] of Object.entries(people))
    provider.people.set(name, { email: `${name}@example.net`, preferred_username: name, groups })
  // zot sends a code challenge only for a client without a secret.
  provider.serve(externalUrl, { withoutPkce: engine === 'zot' })

  const rig = await createAppRig()
  const at = (...names: string[]): string => join(rig.folder, ...names)
  const upstream = await startRegistry(at('upstream'))
  const image = await pushImage(upstream, 'library/app', '1', 'what the upstream has')
  await pushImage(upstream, 'library/other', '1', 'what the upstream has beside it')
  mkdirSync(rig.data)
  mkdirSync(rig.home, { mode: 0o700 })
  writeFileSync(join(rig.home, 'settings.json'), '{"gate.stableSeconds":1,"releases.check":false}', {
    mode: 0o600,
  })
  writeFileSync(
    at('oidc-credentials.json'),
    JSON.stringify({ clientid: client.id, clientsecret: client.secret }),
  )
  const configText = Object.entries({
    DATA: rig.data,
    PORT: String(rig.port),
    'EXTERNAL-URL': externalUrl,
    CREDENTIALS: at('oidc-credentials.json'),
    ISSUER: provider.issuer,
    DOCKER: upstream.url,
    GHCR: upstream.url,
    QUAY: upstream.url,
  }).reduce((text, [name, value]) => text.replaceAll(`@${name}@`, value), readFileSync(fixture, 'utf8'))
  rig.configure(configText)
  const caddy: ChildProcess = await startCaddy(rig.folder, proxyPort, rig.port)
  mkdirSync(at('certificates'))
  copyFileSync(authorityOf(rig.folder), at('certificates', 'ca.crt'))
  const authority = readFileSync(authorityOf(rig.folder), 'utf8')
  let containerd: Containerd | undefined

  const skopeo = async (...args: string[]): Promise<Reply> => ranTo(execute('skopeo', args))
  return {
    ...rig,
    at,
    configText,
    externalUrl,
    authority: authorityOf(rig.folder),
    host: `localhost:${proxyPort}`,
    upstream,
    /** What the upstream has as library/app:1. */
    image,
    /** Chooses the engine for the data folder, as a run of `zotbar engine use`. */
    async use(...words: string[]) {
      const { code, stdout } = await rig.zotbar('engine', 'use', ...words, '--yes', '--json')
      return { code, last: JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as RunbookEnd }
    },
    /** Signs in at the provider, as a browser behind caddy does. */
    async signIn(name: Person): Promise<Browser> {
      const browser = createBrowser(authority)
      const form = await browser.visit(
        `${externalUrl}/zot/auth/login?provider=oidc&callback_ui=${encodeURIComponent('/v2/')}`,
      )
      const page = await browser.visit(form.url, { name })
      if (page.url !== `${externalUrl}/v2/`)
        throw new Error(`${name} is not back: ${page.url} ${page.status} ${page.text}`)
      return browser
    },
    /** A key for CI, as its owner makes it after a sign-in. */
    async newKey(name: Person): Promise<string> {
      const browser = await this.signIn(name)
      const { status, text } = await browser.ask(`${externalUrl}/zot/auth/apikey`, {
        method: 'POST',
        headers: { 'X-ZOT-API-CLIENT': 'zot-ui', Origin: externalUrl },
        body: '{"label":"ci","scopes":[]}',
      })
      if (status !== 201) throw new Error(`no key: ${status} ${text}`)
      return (JSON.parse(text) as { apiKey: string }).apiKey
    },
    /** What CI does with the key; the image comes from the upstream. Status 0 where it worked. */
    skopeoCopy: (key: string, from: string, to: string): Promise<Reply> =>
      skopeo(
        'copy',
        '--preserve-digests',
        '--src-tls-verify=false',
        '--dest-cert-dir',
        at('certificates'),
        '--dest-creds',
        key,
        `docker://127.0.0.1:${upstream.port}/${from}`,
        `docker://localhost:${proxyPort}/${to}`,
      ),
    curl: (...args: string[]): Promise<Reply> => ranTo(execute('curl', ['-sSf', ...args])),
    /** Plain requests, past caddy. */
    asked: targetAt(rig.url),
    /** containerd and its ctr, begun with the first call. */
    async ctr(...args: string[]): Promise<string> {
      containerd ??= await startContainerd()
      return containerd.ctr(...args)
    },
    async end(): Promise<void> {
      caddy.kill('SIGKILL')
      await Promise.all([containerd?.stop(), upstream.stop(), provider.stop()])
      await rig.end()
    },
  }
}
export type UsersOwnRig = Awaited<ReturnType<typeof createUsersOwnRig>>

const ranTo = (running: Promise<{ stdout: string }>): Promise<Reply> =>
  running.then(
    ({ stdout }) => ({ status: 0, text: stdout }),
    (error: { code?: number; stderr?: string }) => ({ status: error.code ?? -1, text: error.stderr ?? '' }),
  )
