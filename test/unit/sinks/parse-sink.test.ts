import { homedir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { parseSink } from '../../../core/sinks/parse-sink.ts'

describe('a spec', () => {
  it.each([
    ['file:/run/secrets/registry', { kind: 'file', path: '/run/secrets/registry' }],
    ['file:/a/../b c', { kind: 'file', path: '/b c' }],
    ['file:~/key', { kind: 'file', path: `${homedir()}/key` }],
    ['authfile:/root/.docker/config.json', { kind: 'authfile', path: '/root/.docker/config.json' }],
    ['command:tee /x | cat', { kind: 'command', line: 'tee /x | cat' }],
    ['command:a: b\nc', { kind: 'command', line: 'a: b\nc' }],
    ['ssh:indri:cat > key', { kind: 'ssh', host: 'indri', line: 'cat > key' }],
    ['ssh:ci@indri:2222:echo a:b', { kind: 'ssh', host: 'ci@indri:2222', line: 'echo a:b' }],
    ['ssh:ci@[::1]:22:true', { kind: 'ssh', host: 'ci@[::1]:22', line: 'true' }],
    ['ssh:[fe80::1]:cat', { kind: 'ssh', host: '[fe80::1]', line: 'cat' }],
    ['op:CI/zot-ci registry/api key', { kind: 'op', vault: 'CI', item: 'zot-ci registry', field: 'api key' }],
    [
      'forgejo:team/app.js/ZOT_CI_KEY',
      {
        kind: 'forgejo',
        scope: { level: 'repository', owner: 'team', repository: 'app.js' },
        name: 'ZOT_CI_KEY',
      },
    ],
    [
      'forgejo:org:team/KEY',
      { kind: 'forgejo', scope: { level: 'organisation', organisation: 'team' }, name: 'KEY' },
    ],
    [
      'forgejo:org/team/KEY',
      {
        kind: 'forgejo',
        scope: { level: 'repository', owner: 'org', repository: 'team' },
        name: 'KEY',
      },
    ],
    ['forgejo:user:_key1', { kind: 'forgejo', scope: { level: 'user' }, name: '_key1' }],
  ])('is read: %s', (spec, place) => {
    expect(parseSink(spec)).toEqual({ ok: true, value: { id: spec, ...place } })
  })

  it.each([
    ['', /no known kind/],
    ['/etc/key', /no known kind/],
    ['toString:x', /no known kind/],
    ['File:/x', /no known kind/],
    ['file:', /no path/],
    ['file:key', /not absolute/],
    ['file:/tmp/', /names a folder/],
    ['file:/tmp/a\nb', /control character/],
    ['authfile:auth.json', /not absolute/],
    ['command:', /no command line/],
    ['command: \n', /no command line/],
    ['command:a\0b', /control character/],
    ['ssh:indri', /no host, or nothing after it/],
    ['ssh::cat', /no host/],
    ['ssh:indri: ', /no command line after/],
    ['ssh:-oProxyCommand=x:cat', /does not begin with -/],
    ['op:CI/registry', /three parts/],
    ['op:CI//password', /three parts/],
    ['op:CI/a/b/c', /three parts/],
    ['op:CI/--vault/x', /secret reference cannot have/],
    ['op:CI/a$b/x', /secret reference cannot have/],
    ["op:CI/it's/x", /secret reference cannot have/],
    ['op:CI/a /x', /secret reference cannot have/],
    ['forgejo:KEY', /number of parts/],
    ['forgejo:owner//KEY', /letters, digits/],
    ['forgejo:../x/KEY', /letters, digits/],
    ['forgejo:a/b/c/KEY', /number of parts/],
    ['forgejo:org:KEY', /number of parts/],
    ['forgejo:user:a/KEY', /number of parts/],
    ['forgejo:a/b/', /must be letters/],
    ['forgejo:a/b/1KEY', /must be letters/],
    ['forgejo:a/b/MY-KEY', /must be letters/],
    ['forgejo:a/b/GITHUB_KEY', /kept by the server/],
    ['forgejo:a/b/gitea_key', /kept by the server/],
    ['forgejo:a/b/Forgejo_Key', /kept by the server/],
    [`command:${'x'.repeat(5000)}`, /too long/],
  ])('is refused with words: %j', (spec, wrong) => {
    const refused = parseSink(spec)
    expect(refused).toMatchObject({
      ok: false,
      error: { code: 'bad-sink', wrong: expect.stringMatching(wrong) },
    })
    // None of them reaches a terminal.
    expect(JSON.stringify(refused)).not.toMatch(/\\u00|\\n/)
  })
})
