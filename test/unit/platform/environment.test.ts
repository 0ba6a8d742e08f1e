import { describe, expect, it } from 'vitest'
import { coreEnvironment } from '../../../core/platform/environment.ts'

const clean = {
  PATH: '/usr/bin:/bin',
  HOME: '/h',
  ZOTBAR_HOME: '/z',
  OP_SERVICE_ACCOUNT_TOKEN: 'op',
  SSH_AUTH_SOCK: '/agent',
  https_proxy: 'http://u:p@proxy:1',
}
const dirty = {
  npm_command: 'exec',
  npm_config_registry: 'http://r',
  ELECTRON_RUN_AS_NODE: '1',
  NODE_OPTIONS: '--inspect',
  NODE_ENV: 'production',
  INIT_CWD: '/c',
  SECRET_OF_THE_SHELL: 's',
}

describe('the environment of a core', () => {
  it('is the same whoever starts it, and says what went', () => {
    const [one, other] = [clean, { ...dirty, ...clean }].map(env =>
      coreEnvironment(env, 'linux', () => false),
    )
    expect(one).toEqual({ environment: clean, dropped: [] })
    expect(other).toEqual({ environment: clean, dropped: Object.keys(dirty).sort() })
  })

  it("has Homebrew's folders once, at the end: on a Mac, and elsewhere where they are", () => {
    const path = (started: string, platform: NodeJS.Platform, there: string[] = []) =>
      coreEnvironment({ PATH: started }, platform, folder => there.includes(folder)).environment['PATH']
    expect(path('/usr/bin:/bin', 'darwin')).toBe('/usr/bin:/bin:/opt/homebrew/bin:/usr/local/bin')
    expect(path('/opt/homebrew/bin:/usr/bin:/usr/bin', 'darwin')).toBe(
      '/opt/homebrew/bin:/usr/bin:/usr/local/bin',
    )
    expect(path('/bin', 'linux', ['/usr/local/bin'])).toBe('/bin:/usr/local/bin')
    expect(path('', 'linux')).toBe('')
  })
})
