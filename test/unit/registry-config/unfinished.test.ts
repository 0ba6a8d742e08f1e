import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { fail, ok, type Result } from '../../../contract/result.ts'
import { onceWritten, untilWritten } from '../../../core/registry-config/unfinished.ts'

const folder = mkdtempSync(join(tmpdir(), 'zotbar-unfinished-'))
afterAll(() => rmSync(folder, { recursive: true }))

const whole = '{"storage":{"rootDirectory":"/data"},"http":{"address":"127.0.0.1","port":"5050"}}'
const begunAt = Date.UTC(2026, 2, 1, 12)

/** The answer, and how long it took by a clock that runs as fast as it is asked. `write` may change the file on the way. */
async function waits(
  name: string,
  text: string,
  age: number,
  write?: (passed: number, file: string) => void,
) {
  const file = join(folder, name)
  writeFileSync(file, text)
  utimesSync(file, new Date(), new Date(begunAt - age))
  let now = begunAt
  const clock = {
    now: () => now,
    setTimer(at: number, fire: () => void) {
      now = at
      write?.(now - begunAt, file)
      setImmediate(fire)
      return () => {}
    },
  }
  return { isWritten: await untilWritten(file, clock), passed: now - begunAt }
}
const changed = (file: string, text: string, passed: number): void => {
  writeFileSync(file, text)
  utimesSync(file, new Date(), new Date(begunAt + passed))
}

it.each<[string, string, string, number, number]>([
  ['a whole file', 'config.json', whole, 0, 0],
  ['an empty one', 'config.json', '', 0, 5000],
  ['one that is cut off', 'config.json', whole.slice(0, 40), 0, 5000],
  ['one in the middle of a letter', 'config.json', '{"a":"\u00e9', 3000, 2000],
  ['one that has been broken for a while', 'config.json', '{', 5000, 0],
  ['one of a time that lies ahead', 'config.json', '{', -60_000, 0],
  ['a fault that is no cut', 'config.json', '{"storage":{},"http":{}}', 0, 0],
  ['YAML, which may be cut off anywhere', 'config.yaml', whole, 0, 1000],
  ['the beginning of YAML', 'config.yml', 'storage:\n', 0, 5000],
])('%s is waited for as long as it may be written', async (_, name, text, age, passed) => {
  expect(await waits(name, text, age)).toEqual({ isWritten: true, passed })
})

it('is read as soon as it is whole', async () => {
  const came = await waits('config.json', '', 0, (passed, file) => {
    if (passed === 700) changed(file, whole, passed)
  })
  expect(came).toEqual({ isWritten: true, passed: 700 })
})

it('is not waited for without an end', async () => {
  const came = await waits('config.json', '{', 0, (passed, file) => changed(file, '{', passed))
  expect(came).toEqual({ isWritten: false, passed: 10_000 })
})

it('is not waited for where it is not there', async () => {
  const clock = { now: () => begunAt, setTimer: () => () => {} }
  expect(await untilWritten(join(folder, 'nowhere.json'), clock)).toBe(true)
})

it('is asked about again where it was changed during the check, and marked where that never ends', async () => {
  const file = join(folder, 'checked.json')
  writeFileSync(file, whole)
  let now = Date.now()
  const clock = {
    now: () => now,
    setTimer: (at: number, fire: () => void) => {
      now = at
      setImmediate(fire)
      return () => {}
    },
  }
  const invalid = (): Result<null> => fail({ code: 'config-invalid', file, faults: [] })
  let checks = 0
  /** Somebody saves the file anew during the first `times` checks. */
  const check = (times: number, end: Result<null>) => async () => {
    checks += 1
    now += 100
    if (checks > times) return end
    writeFileSync(file, `${whole}${'\n'.repeat(checks)}`)
    return invalid()
  }
  expect(await onceWritten(file, clock, check(2, ok(null)))).toEqual(ok(null))
  expect(checks).toBe(3)
  checks = 0
  expect(await onceWritten(file, clock, check(2, invalid()))).toEqual(invalid())
  checks = 0
  expect(await onceWritten(file, clock, check(1000, ok(null)))).toMatchObject({
    error: { code: 'config-invalid', unfinished: true },
  })
})
