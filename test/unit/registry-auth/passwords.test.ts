import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashSync } from 'bcryptjs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Htpasswd, openHtpasswd, parseHtpasswd } from '../../../registry/auth/htpasswd.ts'
import { checkHash, verifyPassword } from '../../../registry/auth/password-hash.ts'
import { createPasswordPool, type PasswordPool } from '../../../registry/auth/password-pool.ts'
import { eventually } from '../../fakes/eventually.ts'

const openssl = (option: string, salt: string, password: string): string =>
  execFileSync('openssl', ['passwd', option, '-salt', salt, '-stdin'], { input: `${password}\n` })
    .toString()
    .trim()
const bcrypt = hashSync('secret', 4)

describe('password hashes', () => {
  it.each([
    ['a', 'x'],
    ['saltstring', 'Hello world!'],
    ['0123456789abcdef', 'pässwörd with a length well beyond one block of the hash, as people do at times'],
  ])('checks SHA-crypt with salt %s as crypt(3) does', (salt, password) => {
    for (const option of ['-5', '-6']) {
      const hash = openssl(option, salt, password)
      expect(checkHash(hash).ok).toBe(true)
      expect(verifyPassword(password, hash)).toBe(true)
      expect(verifyPassword(`${password}!`, hash)).toBe(false)
    }
  })

  it('reads rounds', () => {
    const hash = openssl('-6', 'rounds=1400$anotherlong', 'a very much longer text')
    expect(hash).toContain('rounds=1400')
    expect(verifyPassword('a very much longer text', hash)).toBe(true)
  })

  it.each(['$2a$', '$2b$', '$2y$'])('checks bcrypt %s', kind => {
    const hash = bcrypt.replace(/^\$2.\$/, kind)
    expect(verifyPassword('secret', hash)).toBe(true)
    expect(verifyPassword('Secret', hash)).toBe(false)
  })

  it.each([
    ['$apr1$x$y', 'MD5'],
    ['{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=', 'SHA-1'],
    ['plain', 'unknown scheme'],
    ['', 'unknown scheme'],
    [bcrypt.replace('$04$', '$15$'), 'cost 15 is over 14'],
    [bcrypt.slice(0, -1), 'malformed bcrypt'],
    ['$6$salt$short', 'malformed SHA-crypt'],
    [`$6$rounds=9999999$salt$${'a'.repeat(86)}`, 'rounds'],
  ])('refuses %s', (hash, words) => {
    expect(checkHash(hash)).toMatchObject({ ok: false, problem: expect.stringContaining(words) })
    expect(verifyPassword('', hash)).toBe(false)
    expect(verifyPassword('plain', hash)).toBe(false)
  })
})

describe('htpasswd', () => {
  it('reads what is good and tells what is not', () => {
    const text = `# people\r\n\nalice:${bcrypt}\r\nbob:plain\nnonsense\n:${bcrypt}\ncarol:${bcrypt}:more\nalice:{SHA}x\n`
    const { users, problems, dummy } = parseHtpasswd(text)
    expect([...users.keys()]).toEqual(['carol'])
    expect(problems.map(problem => problem.line)).toEqual([4, 5, 6, 8, 8])
    expect(JSON.stringify(problems)).not.toContain('plain"')
    expect(dummy).toBe(bcrypt)
    expect(checkHash(parseHtpasswd('').dummy)).toEqual({ ok: true, effort: 'bcrypt 10' })
  })

  let folder: string
  let file: string
  let pool: PasswordPool
  let htpasswd: Htpasswd
  const news: unknown[] = []
  let now = 0
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'htpasswd-'))
    file = join(folder, 'htpasswd')
    writeFileSync(file, `alice:${bcrypt}\n`)
    pool = createPasswordPool()
    now = 1000
    const opened = openHtpasswd({ path: file, pool, onChange: one => news.push(one), now: () => now })
    if (!opened.ok) throw new Error(opened.message)
    htpasswd = opened.htpasswd
  })
  afterEach(async () => {
    htpasswd.close()
    await pool.close()
    rmSync(folder, { recursive: true })
    news.length = 0
  })

  it('checks once and then knows for a while', async () => {
    expect(htpasswd.knows('alice', 'secret')).toBe(false)
    expect(await htpasswd.verify('alice', 'secret', 'a')).toBe('match')
    expect(htpasswd.knows('alice', 'secret')).toBe(true)
    expect(htpasswd.knows('alice', 'other')).toBe(false)
    expect(htpasswd.knows('alic', 'esecret')).toBe(false)
    now += 6 * 60_000
    expect(htpasswd.knows('alice', 'secret')).toBe(false)
    expect(await htpasswd.verify('alice', 'wrong', 'a')).toBe('no-match')
    expect(await htpasswd.verify('nobody', 'secret', 'a')).toBe('no-match')
  })

  it('sees a file moved into place, and forgets what it knew', async () => {
    await htpasswd.verify('alice', 'secret', 'a')
    writeFileSync(`${file}.new`, `bob:${bcrypt}\n`)
    renameSync(`${file}.new`, file)
    await eventually(() => htpasswd.has('bob'))
    expect(htpasswd.knows('alice', 'secret')).toBe(false)
    expect(await htpasswd.verify('alice', 'secret', 'a')).toBe('no-match')
    expect(await htpasswd.verify('bob', 'secret', 'a')).toBe('match')
    writeFileSync(file, `carol:${bcrypt}\nbad\n`)
    await eventually(() => htpasswd.has('carol'))
    expect(htpasswd.problems()).toHaveLength(1)
  })

  it('takes nobody for gone while the file is being written in place', async () => {
    const text = readFileSync(file, 'utf8')
    // A writer between emptying the file and filling it.
    writeFileSync(file, '')
    const checked = htpasswd.verify('alice', 'secret', 'a')
    expect([htpasswd.has('alice'), news]).toEqual([true, []])
    writeFileSync(file, `${text}dora:${bcrypt}\n`)
    expect(await checked).toBe('match')
    await eventually(() => htpasswd.has('dora'))
    expect(news).toEqual([{ problems: [], left: new Set() }])
    writeFileSync(file, '')
    await eventually(() => !htpasswd.has('alice'))
  })

  it('keeps what it has when the file goes away, and says so', async () => {
    rmSync(file)
    await eventually(() => news.some(one => JSON.stringify(one).includes('does not exist')))
    expect(await htpasswd.verify('alice', 'secret', 'a')).toBe('match')
    expect(news).toHaveLength(1)
    writeFileSync(file, `bob:${bcrypt}\n`)
    await eventually(() => htpasswd.has('bob'))
    expect(news).toHaveLength(2)
  })

  it('costs as much for somebody unknown: a real hash is checked, and never matches', async () => {
    const checked: string[] = []
    const opened = openHtpasswd({
      path: file,
      pool: {
        verify: async (_password, hash) => {
          checked.push(hash)
          return 'match'
        },
        threads: () => 0,
        close: async () => {},
      },
      onChange: () => {},
    })
    if (!opened.ok) throw new Error(opened.message)
    expect(await opened.htpasswd.verify('nobody', 'x', 'a')).toBe('no-match')
    expect(opened.htpasswd.knows('nobody', 'x')).toBe(false)
    expect(await opened.htpasswd.verify('alice', 'x', 'a')).toBe('match')
    expect(checked).toEqual([bcrypt, bcrypt])
    opened.htpasswd.close()
  })

  it('refuses a file that is not there', () => {
    const opened = openHtpasswd({ path: join(folder, 'none'), pool, onChange: () => {} })
    expect(opened).toMatchObject({ ok: false, message: expect.stringContaining('does not exist') })
  })
})

describe('the password pool', () => {
  it('never holds more than it may, and lets nobody fill it alone', async () => {
    const pool = createPasswordPool({ threads: 1, queue: 4, perOwner: 3 })
    try {
      const flood = Array.from({ length: 20 }, () => pool.verify('wrong', bcrypt, 'flood'))
      const other = pool.verify('secret', bcrypt, 'other')
      const answers = await Promise.all(flood)
      expect(answers.filter(answer => answer === 'busy')).toHaveLength(17)
      expect(await other).toBe('match')
      expect(await pool.verify('secret', bcrypt, 'flood')).toBe('match')
    } finally {
      await pool.close()
    }
    expect(await pool.verify('secret', bcrypt, 'x')).toBe('busy')
  })

  it('starts threads again after they rested', async () => {
    const pool = createPasswordPool({ threads: 1, idleFor: 1 })
    try {
      for (let turn = 0; turn < 3; turn++) {
        expect(await pool.verify('secret', bcrypt, 'x')).toBe('match')
        await eventually(() => pool.threads() === 0)
      }
    } finally {
      await pool.close()
    }
  })
})
