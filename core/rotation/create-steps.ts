import { fail, ok, type Result } from '../../contract/result.ts'
import { asStep, done, errorOf, failed, type Step, type StepResult } from '../runbook/step.ts'
import type { KeyOwner } from '../secrets/key-store.ts'
import { doneWith, type RotateContext, type RotateMemory, type RotationDeps } from './deps.ts'
import { identifyKey, openKeyAccess } from './key-access.ts'
import type { CreatedKey, CreateKeyRequest, ListedKey } from './key-client.ts'
import { dayMs } from './policy.ts'

type RotateStep = Step<RotateMemory>
type Method = (context: RotateContext) => Promise<Attempt>
/**
 * `not-this-way`: another method may work; `reason` says why this one does not. `isUsual`: that is nothing to report.
 */
type Attempt =
  | { kind: 'created'; key: { secret: string } & Partial<CreatedKey>; how: string }
  | { kind: 'not-this-way'; reason: string; isUsual?: true }
  | { kind: 'failed'; result: StepResult }
  /** The connection broke: whether a key was created is not known. */
  | { kind: 'uncertain' }

const maxAttempts = 3
/** A new key may end this much before its date: clocks differ, and the old one may be as new. */
const cutToleranceMs = 3_600_000
/** How a key came about that was created with the one it replaces. */
export const withKeyInUse = 'with the key in use'

const ownerOf = ({ registry, user }: RotateMemory): KeyOwner => ({ registry, user })

/**
 * Creates the new key and puts it into the store as `next`. Its label belongs to this run alone and is journaled
 * first: after a kill the resumed run finds a key whose secret was lost, and revokes it before it creates another.
 */
export function createKeyStep(deps: RotationDeps): RotateStep {
  const creation = new KeyCreation(deps)
  return {
    id: 'mint',
    title: 'Create the new key',
    why: 'The key in use goes on working meanwhile.',
    cancellable: true,
    check: async () => false,
    apply: context => creation.apply(context),
    undo: ({ memory }) => creation.undo(memory),
  }
}

class KeyCreation {
  readonly #deps: RotationDeps

  constructor(deps: RotationDeps) {
    this.#deps = deps
  }

  async apply(context: RotateContext): Promise<StepResult> {
    const { memory } = context
    const earlier = await this.#usableNext(memory)
    if (!earlier.ok) return asStep(earlier)
    if (earlier.value === undefined) return this.#createNext(context)
    const remembered = await this.#remember(memory, earlier.value, 'before Zotbar was started again')
    return remembered.ok ? doneWith('It was created already') : asStep(remembered)
  }

  async undo(memory: RotateMemory): Promise<StepResult> {
    const { client, store, records } = this.#deps
    const owner = ownerOf(memory)
    const access = await openKeyAccess(client, memory.user, [
      () => store.get(owner, 'next'),
      () => store.get(owner, 'current'),
    ])
    if (!access.ok) return asStep(access)
    if (access.value) {
      const all = await access.value.list()
      if (!all.ok) return asStep(all)
      const last = memory.minted?.uuid
      const ofThisRun = all.value.filter(({ uuid, label }) => label === memory.label && uuid !== last)
      // The key that revokes goes last: it could revoke no other one after itself.
      for (const uuid of [...ofThisRun.map(key => key.uuid), ...(last === undefined ? [] : [last])]) {
        const revoked = await access.value.revoke(uuid)
        if (!revoked.ok) return asStep(revoked)
      }
    }
    const emptied = await store.delete(owner, 'next')
    if (!emptied.ok) return asStep(emptied)
    return asStep(await records.update(owner, ({ pending: _, ...record }) => record))
  }

  /** The key that an earlier attempt of this run created, if its secret is in the store and the registry knows it. */
  async #usableNext(memory: RotateMemory): Promise<Result<string | undefined>> {
    const { client, store } = this.#deps
    const next = await store.get(ownerOf(memory), 'next')
    if (!next.ok || next.value === undefined) return next
    const listed = await client.listOwn({ user: memory.user, key: next.value })
    if (!listed.ok) return listed
    if (listed.value !== 'refused') return next
    const deleted = await store.delete(ownerOf(memory), 'next')
    return deleted.ok ? ok(undefined) : deleted
  }

  async #createNext(context: RotateContext): Promise<StepResult> {
    const { clock, store, records, untilServing } = this.#deps
    const { memory, progress } = context
    const owner = ownerOf(memory)
    const noted = await records.update(owner, record => ({ ...record, pending: memory.label }))
    if (!noted.ok) return asStep(noted)
    for (let attempts = 0; attempts < maxAttempts; attempts += 1) {
      const lost = await this.#revokeLost(memory)
      if (!lost.ok) return asStep(lost)
      if (lost.value > 0) progress({ label: 'A key whose secret was lost was revoked' })
      const attempt = await this.#firstMethodThatWorks(context)
      if (attempt.kind === 'failed') return attempt.result
      if (attempt.kind === 'uncertain') {
        await untilServing(60_000)
        continue
      }
      if (attempt.kind === 'not-this-way')
        return failed('no-way-to-mint', `No key could be created: ${attempt.reason}.`)
      const { key, how } = attempt
      const stored = await store.set(owner, 'next', key.secret)
      if (!stored.ok) return asStep(stored)
      const remembered = key.uuid === undefined ? await this.#remember(memory, key.secret, how) : ok(null)
      if (!remembered.ok) return asStep(remembered)
      if (key.uuid !== undefined)
        memory.minted = mintedOf(
          {
            uuid: key.uuid,
            label: memory.label,
            createdAt: key.createdAt ?? new Date(clock.now()).toISOString(),
            expirationDate: key.expirationDate ?? null,
          },
          how,
        )
      return doneWith(`Created ${how}`)
    }
    return failed('registry-unreachable', 'The registry was away again and again while a key was created.')
  }

  /** Revokes keys with the label of this run: nobody has their secrets. */
  async #revokeLost(memory: RotateMemory): Promise<Result<number>> {
    const { client, store } = this.#deps
    const access = await openKeyAccess(client, memory.user, [
      () => store.get(ownerOf(memory), 'current'),
      () => store.get(ownerOf(memory), 'next'),
    ])
    if (!access.ok || !access.value) return access.ok ? ok(0) : access
    const all = await access.value.list()
    if (!all.ok) return all
    const lost = all.value.filter(({ label }) => label === memory.label)
    for (const { uuid } of lost) {
      const revoked = await access.value.revoke(uuid)
      if (!revoked.ok) return revoked
    }
    return ok(lost.length)
  }

  async #firstMethodThatWorks(context: RotateContext): Promise<Attempt> {
    let last: Attempt = { kind: 'not-this-way', reason: 'there is no way' }
    for (const method of this.#methods(context.memory)) {
      last = await method(context)
      if (last.kind !== 'not-this-way') return last
      if (!last.isUsual) context.progress({ label: `Another way is taken, as ${last.reason}` })
    }
    return last
  }

  /**
   * A key that the administration creates has a life of its own; one that is created with the key in use ends with that
   * one, but for zot. A leaked key is used only where everything else failed.
   */
  #methods({ leaked, yes }: RotateMemory): Method[] {
    const byKeyInUse: Method = ({ memory }) => this.#withKeyInUse(memory)
    const overAdminSocket: Method = ({ memory }) => this.#overAdminSocket(memory)
    const byPerson: Method = context => this.#byPerson(context)
    if (!leaked) return [overAdminSocket, byKeyInUse, byPerson]
    return [
      overAdminSocket,
      ...(yes ? [(context: RotateContext) => this.#bySignInWindow(context), byKeyInUse] : []),
      byPerson,
    ]
  }

  async #withKeyInUse(memory: RotateMemory): Promise<Attempt> {
    const stored = await this.#deps.store.get(ownerOf(memory), 'current')
    if (!stored.ok) return { kind: 'failed', result: asStep(stored) }
    const { value: key } = stored
    if (key === undefined) return { kind: 'not-this-way', reason: 'the key in use is not in the store' }
    const bearer = { user: memory.user, key }
    const request = this.#request(memory)
    const created = await this.#deps.client.create(bearer, request)
    if (created.ok) {
      if (created.value === 'refused')
        return { kind: 'not-this-way', reason: 'the registry does not accept the key in use' }
      const { uuid, expirationDate } = created.value
      const missingMs =
        expirationDate === null ? 0 : Date.parse(request.expirationDate) - Date.parse(expirationDate)
      if (missingMs < cutToleranceMs) return { kind: 'created', key: created.value, how: withKeyInUse }
      // It would have to be rotated again when the old one ends.
      const revoked = await this.#deps.client.revoke(bearer, uuid)
      if (!revoked.ok) return { kind: 'failed', result: asStep(revoked) }
      return { kind: 'not-this-way', reason: 'what the key in use creates here ends with it' }
    }
    const { code } = created.error
    if (code === 'registry-unreachable' || code === 'registry-not-serving') return { kind: 'uncertain' }
    return { kind: 'failed', result: asStep(created) }
  }

  async #overAdminSocket(memory: RotateMemory): Promise<Attempt> {
    const { client } = this.#deps
    const all = await client.listAll()
    if (!all)
      return { kind: 'not-this-way', reason: 'this engine has no administration socket', isUsual: true }
    const created = await client.createFor(this.#request(memory))
    if (created.ok) return { kind: 'created', key: created.value, how: 'by the registry’s administration' }
    const { code } = created.error
    if (code === 'registry-unreachable' || code === 'registry-not-serving') return { kind: 'uncertain' }
    return { kind: 'failed', result: asStep(created) }
  }

  /** A person signs in, in a window of the app or in a browser, or pastes a key that was created elsewhere. */
  async #byPerson({ memory, ask }: RotateContext): Promise<Attempt> {
    const { user } = memory
    const signIn = this.#deps.signIn(this.#request(memory), memory.agent)
    for (;;) {
      const agreed = await ask({
        id: 'paste-key',
        title: `A new key of ${user} is needed`,
        body: `${signIn?.inWindow ? `Sign in as ${user}; the key is created then. Or` : `Sign in at the registry as ${user},`} create a key there, and paste it here. It is tried before anything else is done with it.`,
        confirm: 'Use this key',
        wants: { keyOf: user },
        ...(signIn ? { signIn } : {}),
      })
      if (!agreed) return { kind: 'failed', result: asStep(fail({ code: 'key-not-given', user })) }
      const givenKey = this.#deps.takeGivenKey(user)
      if (givenKey) return { kind: 'created', key: givenKey, how: givenKey.how }
    }
  }

  /** Asks a person only where the app has a window to sign in with. */
  async #bySignInWindow(context: RotateContext): Promise<Attempt> {
    const offer = this.#deps.signIn(this.#request(context.memory), context.memory.agent)
    return offer?.inWindow
      ? this.#byPerson(context)
      : { kind: 'not-this-way', reason: 'there is no window to sign in with here' }
  }

  #request({ user, label, old, days }: RotateMemory): CreateKeyRequest {
    const expirationDate = new Date(this.#deps.clock.now() + days * dayMs).toISOString()
    return { user, label, scopes: old.scopes, expirationDate }
  }

  /** Writes into the memory which key this secret belongs to. */
  async #remember(memory: RotateMemory, secret: string, how: string): Promise<Result<null>> {
    const { client, clock, pause } = this.#deps
    const bearer = { user: memory.user, key: secret }
    const listed = await client.listOwn(bearer)
    if (!listed.ok) return listed
    if (listed.value === 'refused') return fail({ code: 'key-not-accepted', user: memory.user })
    const labelled = listed.value.find(({ label }) => label === memory.label)
    const key = labelled ? ok(labelled) : await identifyKey(client, bearer, { now: clock.now, pause })
    if (!key.ok) return key
    memory.minted = mintedOf(key.value, how)
    return ok(null)
  }
}

const mintedOf = (
  { uuid, label, createdAt, expirationDate }: Omit<ListedKey, 'lastUsed' | 'scopes'>,
  how: string,
): NonNullable<RotateMemory['minted']> => ({ uuid, label, createdAt, expirationDate, how })

/** Reads the new key back from the store, and checks that the registry accepts it as this user's. */
export function checkStoredStep({ client, store }: RotationDeps): RotateStep {
  return {
    id: 'keep',
    title: 'Store it as the next one',
    why: 'A key counts once it was read back from the store and lets the user in.',
    check: async () => false,
    async apply({ memory }) {
      const owner = ownerOf(memory)
      const [next, current] = [await store.get(owner, 'next'), await store.get(owner, 'current')]
      if (!next.ok) return asStep(next)
      if (next.value === undefined) return asStep(fail({ code: 'key-not-kept', ...owner, slot: 'next' }))
      if (current.ok && current.value === next.value)
        return failed('same-key', 'This is the key in use, not a new one.')
      const listed = await client.listOwn({ user: memory.user, key: next.value })
      if (!listed.ok) return asStep(listed)
      return listed.value === 'refused'
        ? { ok: false, error: errorOf({ code: 'key-not-accepted', user: memory.user }) }
        : done
    },
  }
}
