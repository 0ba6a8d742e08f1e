import { fail, ok, type Result } from '../../contract/result.ts'
import { asStep, done, errorOf, failed, type Step, type StepResult } from '../runbook/step.ts'
import { doneWith, type RotateContext, type RotateMemory, type RotationParts } from './deps.ts'
import { accessTo, identify } from './key-access.ts'
import type { ListedKey, Minted } from './key-client.ts'
import type { Owner } from './key-record.ts'
import { dayMs } from './policy.ts'

type RotateStep = Step<RotateMemory>
type Way = (context: RotateContext) => Promise<Made>
/** `not-this-way`: another one may work; `words` say why this one does not. */
type Made =
  | { kind: 'made'; key: { secret: string } & Partial<Minted>; how: string }
  | { kind: 'not-this-way'; words: string }
  | { kind: 'failed'; result: StepResult }
  /** The connection broke: whether a key was made is not known. */
  | { kind: 'uncertain' }

const ownerOf = ({ registry, user }: RotateMemory): Owner => ({ registry, user })

/**
 * Makes the new key and puts it into the store as `next`. Its label is of this run alone and was journaled before, so
 * a later life of the app finds a key whose secret was lost with the one before, and ends it before it makes another.
 */
export function mintStep(parts: RotationParts): RotateStep {
  const { clock, desk, store, records } = parts

  const expiry = ({ days }: RotateMemory): string => new Date(clock.now() + days * dayMs).toISOString()
  const slot = async (memory: RotateMemory, name: 'current' | 'next'): Promise<string | undefined> => {
    const kept = await store.get(ownerOf(memory), name)
    return kept.ok ? kept.value : undefined
  }

  const byItself: Way = async ({ memory }) => {
    const key = await slot(memory, 'current')
    if (key === undefined) return { kind: 'not-this-way', words: 'the key in use is not in the store' }
    const { user, label, old } = memory
    const made = await desk.mint(
      { user, key },
      { user, label, scopes: old.scopes, expirationDate: expiry(memory) },
    )
    if (made.ok)
      return made.value === 'refused'
        ? { kind: 'not-this-way', words: 'the registry does not accept the key in use' }
        : { kind: 'made', key: made.value, how: 'with the key in use' }
    const { code } = made.error
    if (code === 'registry-unreachable' || code === 'registry-not-serving') return { kind: 'uncertain' }
    return { kind: 'failed', result: asStep(made) }
  }

  const overAdmin: Way = async ({ memory }) => {
    const all = await desk.ofEverybody()
    if (!all) return { kind: 'not-this-way', words: 'this engine has no administration socket' }
    const { user, label, old } = memory
    const made = await desk.mintFor({ user, label, scopes: old.scopes, expirationDate: expiry(memory) })
    if (made.ok) return { kind: 'made', key: made.value, how: 'by the registry’s administration' }
    if (made.error.code === 'registry-not-serving') return { kind: 'uncertain' }
    return { kind: 'failed', result: asStep(made) }
  }

  /** By a person: who signs in, in a window of the app or in a browser, or pastes a key made elsewhere. */
  const byAsking: Way = async ({ memory, ask }) => {
    const { user, label, old } = memory
    const signIn = parts.signIn({ user, label, scopes: old.scopes, expirationDate: expiry(memory) })
    for (;;) {
      const agreed = await ask({
        id: 'paste-key',
        title: `A new key of ${user} is needed`,
        body: `${signIn?.inWindow ? `Sign in as ${user}; the key is made then. Or` : `Sign in at the registry as ${user},`} make a key there, and paste it here. It is tried before anything else is done with it.`,
        confirm: 'Use this key',
        wants: { keyOf: user },
        ...(signIn ? { signIn } : {}),
      })
      if (!agreed) return { kind: 'failed', result: failed('declined', 'No key was given.') }
      const offered = parts.takeOffered(user)
      if (offered) return { kind: 'made', key: offered, how: offered.how }
    }
  }

  /** The same, but only where the app has a window for it. */
  const bySigningIn: Way = async context => {
    const { user, label, old } = context.memory
    const offer = parts.signIn({ user, label, scopes: old.scopes, expirationDate: expiry(context.memory) })
    return offer?.inWindow
      ? byAsking(context)
      : { kind: 'not-this-way', words: 'there is no window to sign in with here' }
  }

  /** Not with a leaked key while there is another way. */
  const ways = ({ leaked, yes }: RotateMemory): Way[] =>
    leaked ? [overAdmin, ...(yes ? [bySigningIn, byItself] : []), byAsking] : [byItself, overAdmin, byAsking]

  /** The key that an earlier try of this run made, if its secret is in the store. */
  async function kept(memory: RotateMemory): Promise<Result<string | undefined>> {
    const next = await store.get(ownerOf(memory), 'next')
    if (!next.ok || next.value === undefined) return next
    const own = await desk.own({ user: memory.user, key: next.value })
    if (!own.ok) return own
    if (own.value !== 'refused') return next
    const gone = await store.delete(ownerOf(memory), 'next')
    return gone.ok ? ok(undefined) : gone
  }

  /** Ends keys with the label of this run, whose secrets nobody has. */
  async function endLost(memory: RotateMemory): Promise<Result<number>> {
    const access = await accessTo(desk, memory.user, [
      await slot(memory, 'current'),
      await slot(memory, 'next'),
    ])
    if (!access.ok || !access.value) return access.ok ? ok(0) : access
    const all = await access.value.list()
    if (!all.ok) return all
    const lost = all.value.filter(({ label }) => label === memory.label)
    for (const { uuid } of lost) {
      const gone = await access.value.revoke(uuid)
      if (!gone.ok) return gone
    }
    return ok(lost.length)
  }

  async function remember(memory: RotateMemory, secret: string, how: string): Promise<Result<null>> {
    const bearer = { user: memory.user, key: secret }
    const own = await desk.own(bearer)
    if (!own.ok) return own
    if (own.value === 'refused') return fail({ code: 'key-not-accepted', user: memory.user })
    const named = own.value.find(({ label }) => label === memory.label)
    const found = named ? ok(named) : await identify(desk, bearer, { now: clock.now, pause: parts.pause })
    if (!found.ok) return found
    memory.minted = mintedOf(found.value, how)
    return ok(null)
  }

  async function make(context: RotateContext): Promise<StepResult> {
    const { memory, progress } = context
    const owner = ownerOf(memory)
    const noted = await records.update(owner, one => ({ ...one, pending: memory.label }))
    if (!noted.ok) return asStep(noted)
    for (let tries = 0; tries < 3; tries += 1) {
      const lost = await endLost(memory)
      if (!lost.ok) return asStep(lost)
      if (lost.value > 0) progress({ label: 'A key whose secret was lost was revoked' })
      const made = await firstThatWorks(context)
      if (made.kind === 'failed') return made.result
      if (made.kind === 'uncertain') {
        await parts.serving(60_000)
        continue
      }
      if (made.kind === 'not-this-way')
        return failed('no-way-to-mint', `No key could be made: ${made.words}.`)
      const { key, how } = made
      const put = await store.set(owner, 'next', key.secret)
      if (!put.ok) return asStep(put)
      const known = key.uuid === undefined ? await remember(memory, key.secret, how) : ok(null)
      if (!known.ok) return asStep(known)
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
      return doneWith(`Made ${how}`)
    }
    return failed('registry-unreachable', 'The registry was away again and again while a key was made.')
  }

  async function firstThatWorks(context: RotateContext): Promise<Made> {
    let last: Made = { kind: 'not-this-way', words: 'there is no way' }
    for (const way of ways(context.memory)) {
      last = await way(context)
      if (last.kind !== 'not-this-way') return last
      context.progress({ label: `Another way is taken, as ${last.words}` })
    }
    return last
  }

  return {
    id: 'mint',
    title: 'Make the new key',
    why: 'The key in use goes on working meanwhile.',
    cancellable: true,
    check: async () => false,
    async apply(context) {
      const { memory } = context
      const earlier = await kept(memory)
      if (!earlier.ok) return asStep(earlier)
      if (earlier.value === undefined) return make(context)
      const known = await remember(memory, earlier.value, 'before Zotbar was started again')
      return known.ok ? doneWith('It was made already') : asStep(known)
    },
    async undo({ memory }) {
      const owner = ownerOf(memory)
      const next = await store.get(owner, 'next')
      const access = await accessTo(desk, memory.user, [
        next.ok ? next.value : undefined,
        await slot(memory, 'current'),
      ])
      if (!access.ok) return asStep(access)
      if (access.value) {
        const all = await access.value.list()
        if (!all.ok) return asStep(all)
        const last = memory.minted?.uuid
        const ours = all.value.filter(({ uuid, label }) => label === memory.label && uuid !== last)
        // The key that asks goes last: it could end no other one after itself.
        for (const uuid of [...ours.map(one => one.uuid), ...(last === undefined ? [] : [last])]) {
          const gone = await access.value.revoke(uuid)
          if (!gone.ok) return asStep(gone)
        }
      }
      const emptied = await store.delete(owner, 'next')
      if (!emptied.ok) return asStep(emptied)
      return asStep(await records.update(owner, ({ pending: _, ...one }) => one))
    },
  }
}

const mintedOf = (
  { uuid, label, createdAt, expirationDate }: Omit<ListedKey, 'lastUsed' | 'scopes'>,
  how: string,
): NonNullable<RotateMemory['minted']> => ({ uuid, label, createdAt, expirationDate, how })

/** Reads the new key back from the store, and looks whether the registry knows it as this user's. */
export function keepStep({ desk, store }: RotationParts): RotateStep {
  return {
    id: 'keep',
    title: 'Keep it as the next one',
    why: 'A key counts once it was read back from the store and lets the user in.',
    check: async () => false,
    async apply({ memory }) {
      const owner = ownerOf(memory)
      const [next, current] = [await store.get(owner, 'next'), await store.get(owner, 'current')]
      if (!next.ok) return asStep(next)
      if (next.value === undefined) return asStep(fail({ code: 'key-not-kept', ...owner, slot: 'next' }))
      if (current.ok && current.value === next.value)
        return failed('same-key', 'This is the key in use, not a new one.')
      const own = await desk.own({ user: memory.user, key: next.value })
      if (!own.ok) return asStep(own)
      return own.value === 'refused'
        ? { ok: false, error: errorOf({ code: 'key-not-accepted', user: memory.user }) }
        : done
    },
  }
}
