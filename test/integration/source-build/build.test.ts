import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Failure } from '../../../contract/failure.ts'
import { failureMessage } from '../../../contract/messages/failure-message.ts'
import { buildFromSource } from '../../../core/source-build/build.ts'
import { goNames } from '../../../core/source-build/recipe.ts'
import type { Host } from '../../../ssh/host.ts'
import { localHost } from '../../../ssh/local-host.ts'
import { sshHost } from '../../../ssh/ssh-host.ts'
import { eventually } from '../../fakes/eventually.ts'
import { type Sshd, startSshd } from '../../fakes/sshd.ts'
import { describeWith } from '../../setup/need.ts'

const opened: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

interface Rig {
  host: Host
  /** Where the recipe runs. */
  folder: string
  /** Where the program goes. */
  to: string
  sshd?: Sshd
  build(
    recipe: string,
    more?: { go?: string; limitMs?: number; output?: string; signal?: AbortSignal },
  ): ReturnType<typeof buildFromSource>
  told: { label: string; done: number; total: number }[]
  /** Called with each line that is told. */
  onLabel: (label: string) => void
}

const places = ['here', 'over SSH'] as const

async function rig(place: (typeof places)[number]): Promise<Rig> {
  const base = mkdtempSync(join(tmpdir(), 'zotbar-build-'))
  opened.push(async () => rmSync(base, { recursive: true, force: true }))
  const to = join(base, 'staging')
  mkdirSync(to)
  const sshd = place === 'here' ? undefined : await startSshd()
  if (sshd) opened.push(sshd.stop)
  const host = sshd
    ? sshHost(sshd.target, { home: sshd.home, zotbarHome: base, graceMs: 300 })
    : localHost({ home: base, graceMs: 300 })
  opened.push(host.close)
  const made: Rig = {
    host,
    folder: join(base, 'the source'),
    to,
    ...(sshd ? { sshd } : {}),
    told: [],
    onLabel: () => {},
    build: (text, { limitMs = 60_000, output = 'bin/zot-{os}-{arch}', go, signal } = {}) =>
      buildFromSource({
        version: 'v2.1.15',
        recipe: { text, folder: made.folder, output, limitMs, ...(go === undefined ? {} : { go }) },
        host,
        to,
        signal: signal ?? new AbortController().signal,
        progress(told) {
          made.told.push(told)
          made.onLabel(told.label)
        },
      }),
  }
  return made
}

/** A source with a tag, whose Makefile makes a real program: a copy of one of this computer. */
function makeSource(folder: string): string {
  mkdirSync(folder, { recursive: true })
  const { os, arch } = goNames(process)
  writeFileSync(join(folder, 'go.mod'), 'module example\n\ngo 1.25.7\n')
  writeFileSync(
    join(folder, 'Makefile'),
    `binary:\n\t@echo compiling\n\t@mkdir -p bin\n\tcp /bin/true bin/zot-${os}-${arch}\n`,
  )
  const git = (...args: string[]): string => {
    const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'init.defaultBranch=main']
    const ran = spawnSync('git', ['-C', folder, ...identity, ...args])
    if (ran.status !== 0) throw new Error(`git: ${ran.stderr}`)
    return ran.stdout.toString().trim()
  }
  git('init', '-q')
  git('add', '.')
  git('commit', '-q', '-m', 'one')
  git('tag', 'v2.1.15')
  return git('rev-parse', 'HEAD')
}

const errorOf = (built: Awaited<ReturnType<Rig['build']>>): Failure => {
  if (built.ok) throw new Error('it was built')
  return built.error
}

function runs(pid: number): boolean {
  const state = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)])
    .stdout.toString()
    .trim()
  return state !== '' && !state.startsWith('Z')
}

describeWith(['sshd'], 'a build from source', () => {
  it.each(places)('runs its lines in order and fetches the program, %s', async place => {
    const { build, folder, to, told, host } = await rig(place)
    const origin = join(to, '..', 'origin')
    const commit = makeSource(origin)
    const recipe = [
      '# as the real one, without the network',
      'git init -q',
      `git fetch -q --depth 1 --force 'file://${origin}' refs/tags/{version}:refs/tags/{version}`,
      'git checkout -q --force --detach refs/tags/{version}',
      'echo "go@{go} in" {folder}',
      'make binary',
    ].join('\n')
    const hash = createHash('sha256').update(readFileSync('/bin/true')).digest('hex')
    // Twice: the second finds the folder of the first.
    for (const go of ['1.26.0', undefined]) {
      told.length = 0
      const built = await build(recipe, go === undefined ? {} : { go })
      expect(built).toEqual({
        ok: true,
        value: {
          file: join(to, 'zot'),
          sha256: hash,
          origin: `built from source on ${host.name}, commit ${commit}`,
        },
      })
      expect(
        createHash('sha256')
          .update(readFileSync(join(to, 'zot')))
          .digest('hex'),
      ).toBe(hash)
      expect(statSync(join(to, 'zot')).mode & 0o777).toBe(0o600)
      const labels = told.map(({ label }) => label)
      expect(labels).toContain('$ make binary')
      expect(labels).toContain('compiling')
      // Without a Go it is the one of go.mod.
      expect(labels).toContain(`go@${go ?? '1.25.7'} in ${folder}`)
      expect(told.every(({ done, total }) => total === 5 && done <= total)).toBe(true)
    }
  })

  it.each(places)('that fails shows its line, its exit code and its last lines, %s', async place => {
    const { build, to } = await rig(place)
    const error = errorOf(
      await build(
        'echo fine\nfor i in $(seq 40); do echo "line $i"; done; echo broken >&2; exit 9\ntouch after',
      ),
    )
    expect(error).toMatchObject({ code: 'build-failed', exit: 9, line: expect.stringContaining('seq 40') })
    const lines = error.code === 'build-failed' ? error.lastLines : []
    expect(lines).toHaveLength(20)
    expect(lines).toContain('broken')
    expect(lines).toContain('line 40')
    expect(lines).not.toContain('line 20')
    expect(failureMessage(error).steps.join('\n')).toContain('exit code 9')
    expect(readdirSync(to)).toEqual([])
  })

  it.each(places.flatMap(place => [[place, 'too-slow'] as const, [place, 'cancelled'] as const]))(
    'that hangs is ended with all that it started, %s, %s',
    async (place, how) => {
      const made = await rig(place)
      const cancel = new AbortController()
      const pids: number[] = []
      made.onLabel = label => {
        if (/^\d+$/.test(label)) pids.push(Number(label))
        if (label === 'hanging' && how === 'cancelled') cancel.abort()
      }
      const hanging = `sleep 300 & echo $!; (trap '' TERM; sleep 300) & echo $!; echo $$; echo hanging; wait`
      const error = errorOf(
        await made.build(`${hanging}\ntouch after`, {
          signal: cancel.signal,
          ...(how === 'too-slow' ? { limitMs: 6000 } : {}),
        }),
      )
      expect(error).toMatchObject(
        how === 'cancelled'
          ? { code: 'cancelled' }
          : { code: 'build-too-slow', limitMs: 6000, lastLines: expect.arrayContaining(['hanging']) },
      )
      expect(pids).toHaveLength(3)
      await eventually(() => pids.every(pid => !runs(pid)))
      expect(readdirSync(made.folder)).not.toContain('after')
    },
  )

  it.each(places)(
    'that leaves no program says what it left, and takes none of an earlier build, %s',
    async place => {
      const { build, folder, to } = await rig(place)
      mkdirSync(join(folder, 'bin'), { recursive: true })
      writeFileSync(join(folder, 'bin', 'zot'), 'of an earlier build')
      writeFileSync(join(folder, 'bin', 'zot-plan9-386'), '')
      const error = errorOf(await build('true', { output: 'bin/zot' }))
      expect(error).toMatchObject({
        code: 'build-without-program',
        path: join(folder, 'bin', 'zot'),
        found: ['bin/zot-plan9-386'],
      })
      expect(readdirSync(to)).toEqual([])
    },
  )

  it('whose connection breaks says so', async () => {
    const made = await rig('over SSH')
    made.onLabel = label => {
      if (label === 'begun') made.sshd?.cut()
    }
    expect(errorOf(await made.build('echo begun; sleep 20'))).toMatchObject({ code: 'host-lost' })
  })

  it('on a host with another key than before is not begun', async () => {
    const made = await rig('over SSH')
    await made.sshd?.changeHostKey()
    expect(errorOf(await made.build(`touch '${made.to}/touched'`))).toMatchObject({
      code: 'host-key-changed',
    })
    expect(readdirSync(made.to)).toEqual([])
  })

  it('is refused where its words are wrong, before anything runs', async () => {
    const { build, folder, to } = await rig('here')
    const codes = []
    codes.push(errorOf(await build('# nothing')))
    codes.push(errorOf(await build('true', { output: '../../etc/passwd' })))
    codes.push(errorOf(await build('true', { go: '1.2; id' })))
    expect(codes.map(({ code }) => code)).toEqual(['bad-recipe', 'bad-recipe', 'bad-input'])
    expect(readdirSync(join(to, '..'))).not.toContain('the source')
    expect(errorOf(await build('mise use go@{go}'))).toMatchObject({
      code: 'bad-recipe',
      reason: expect.stringContaining('build.goVersion'),
    })
    expect(readdirSync(folder)).toEqual([])
  })
})
