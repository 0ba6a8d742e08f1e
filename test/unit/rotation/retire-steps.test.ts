import { expect, it } from 'vitest'
import { fail, ok, type Result } from '../../../contract/result.ts'
import type { RotationDeps } from '../../../core/rotation/deps.ts'
import { retireSteps } from '../../../core/rotation/retire-steps.ts'

const owner = { registry: 'r', user: 'zot-ci' }
const memory = { ...owner, old: { uuid: 'old', label: 'l' } }
const locked = fail({ code: 'keychain-locked', reason: 'It is locked' })

/** An engine without administration, where the old key works as long as it is not revoked. */
function rig(stored: (slot: string) => Result<string | undefined>) {
  const revoked: string[] = []
  let retiring = [{ uuid: 'old' }]
  const deps = {
    client: {
      listAll: async () => undefined,
      listOwn: async () =>
        ok(['current', 'old'].filter(uuid => !revoked.includes(uuid)).map(uuid => ({ uuid }))),
      revoke: async (_: unknown, uuid: string) => {
        revoked.push(uuid)
        return ok([])
      },
    },
    store: { get: async (_: unknown, slot: string) => stored(slot), delete: async () => ok(null) },
    records: {
      find: () => ({ retiring }),
      update: async (
        _: unknown,
        change: (record: { retiring: { uuid: string }[] }) => { retiring: never[] },
      ) => {
        retiring = change({ retiring }).retiring
        return ok(null)
      },
    },
    onRetiringChange() {},
  } as unknown as RotationDeps
  return { steps: retireSteps(deps), revoked, retiring: () => retiring }
}

it('an old key is not taken for revoked while the store cannot be read', async () => {
  const { steps, revoked, retiring } = rig(() => locked)
  for (const step of steps) {
    const applied = await step.apply({ memory } as Parameters<typeof step.apply>[0])
    expect([step.id, applied]).toMatchObject([step.id, { ok: false, error: { code: 'keychain-locked' } }])
  }
  expect(revoked).toEqual([])
  expect(retiring()).toEqual([{ uuid: 'old' }])
})

it('an old key is revoked with the current one, where only that can be read', async () => {
  const { steps, revoked } = rig(slot => (slot === 'current' ? ok('zak_current') : locked))
  const [revoke] = steps
  if (!revoke) throw new Error('no step')
  expect(await revoke.apply({ memory } as Parameters<typeof revoke.apply>[0])).toMatchObject({ ok: true })
  expect(revoked).toEqual(['old'])
})
