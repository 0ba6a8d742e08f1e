import type { RunbookQuestion } from '../../contract/runbook.ts'
import type { CommandResult, Host } from '../../ssh/host.ts'
import { lineAfterWholeInput, shellQuoted } from './command-sink.ts'
import type { Sink, SinkProof, SinkResult, SinkSecret } from './sink.ts'
import { cancelled, done, errorOf, maskedTail, refused } from './sink-result.ts'

interface Item {
  vault: string
  item: string
  field: string
}

interface Options extends Item {
  /** Where `op` runs, with the variables that it knows accounts by (OP_...). */
  host: Host
  limitMs?: number | undefined
}

/** It may ask for a fingerprint or a password first. */
const opLimitMs = 60_000

/**
 * A field of an item of 1Password, by its own command line, `op`. The key comes on its standard input: the assignment
 * `field[password]=-` reads it from there. https://developer.1password.com/docs/cli/reference/management-commands/item
 */
export function opSink(id: string, { vault, item, field, host, limitMs = opLimitMs }: Options): Sink {
  const reference = `${vault}/${item}/${field}`
  const lines = {
    read: `op read ${shellQuoted(`op://${reference}`)}`,
    // A period would divide a section from a field.
    edit: `op item edit ${shellQuoted(item)} --vault ${shellQuoted(vault)} ${shellQuoted(`${field.replaceAll('.', '\\.')}[password]=-`)}`,
  }

  async function read(signal: AbortSignal): Promise<{ value: string } | Refusal> {
    const ran = await host.run({ line: lines.read, limitMs, signal })
    // What it printed is a secret, this one or another: none of its output is quoted but its errors.
    if (ran.kind === 'ended' && ran.code === 0) return { value: ran.stdout.replace(/\r?\n$/, '') }
    return refusalOf(ran, reference, undefined)
  }

  async function prove({ key }: SinkSecret, signal: AbortSignal): Promise<SinkProof> {
    const result = await read(signal)
    if ('value' in result) {
      if (result.value === key) return { holds: 'this' }
      return { holds: 'another', words: result.value === '' ? 'nothing' : 'something else' }
    }
    if (result.missing) return { holds: 'another', words: 'nothing' }
    const { ok: _ok, missing: _missing, ...rest } = result
    return { holds: 'unknown', ...rest }
  }

  return {
    id,
    kind: 'op',
    describe: () => ({ title: '1Password', place: reference, provable: true }),
    async reach(signal) {
      if (signal.aborted) return cancelled
      const result = await read(signal)
      if ('value' in result) return done
      // The field comes with the first delivery; the item is the user's to make, or a slip would go unseen.
      if (result.missing === 'field' || result.error.code === 'sink-refused') return done
      return withoutMissing(result)
    },
    async deliver(secret, signal) {
      if (signal.aborted) return cancelled
      const ran = await host.run({
        line: lineAfterWholeInput(lines.edit, '/bin/sh'),
        stdin: secret.key,
        limitMs,
        signal,
      })
      // Whether it kept what it was given is for `prove`: each call of `op` takes a second or so.
      return ran.kind === 'ended' && ran.code === 0 ? done : withoutMissing(refusalOf(ran, reference, secret))
    },
    prove,
  }
}

type Refusal = Extract<SinkResult, { ok: false }> & { missing?: 'field' | 'item' }

const withoutMissing = ({ error, waitFor }: Refusal): SinkResult => ({
  ok: false,
  error,
  ...waiting(waitFor),
})

const waiting = (waitFor: RunbookQuestion | undefined) => (waitFor ? { waitFor } : {})

function refusalOf(ran: CommandResult, reference: string, secret: SinkSecret | undefined): Refusal {
  if (ran.kind === 'lost' || ran.kind === 'not-started') return { ok: false, error: errorOf(ran.error) }
  if (ran.kind !== 'ended')
    return ran.kind === 'cancelled'
      ? cancelled
      : lockedRefusal('It did not answer in time; it may be asking on the screen.', '')
  const output = maskedTail(ran.stderr, secret)
  if (ran.code === 127)
    return refused(
      'sink-unusable',
      '1Password\'s command "op" is not on the PATH. Install it, then try again.',
      output,
    )
  if (
    /not (currently )?signed in|session (has )?expired|no accounts? configured|sign in to|op signin/i.test(
      output,
    )
  )
    return {
      ...refused('sink-locked', 'Nobody is signed in at 1Password.', output),
      waitFor: {
        id: 'op-signed-out',
        title: 'Sign in at 1Password',
        body:
          'Open the 1Password app and unlock it, with "Integrate with 1Password CLI" on in its settings under Developer. ' +
          'Without the app, start Zotbar where OP_SERVICE_ACCOUNT_TOKEN is set.',
        confirm: 'Try again',
        triesAgain: true,
      },
    }
  if (/locked|dismissed|authorization|connecting to desktop app|deadline exceeded|timed? ?out/i.test(output))
    return lockedRefusal('It is locked, or its question was not answered.', output)
  if (/(does not have|doesn't have|isn't|no) (a |such )?field/i.test(output))
    return { ...refused('sink-missing', `${reference}: there is no such field.`, output), missing: 'field' }
  if (
    /isn't (an item|a vault)|(no|not a) such (item|vault)|(could not|couldn't) find|not found|doesn't exist/i.test(
      output,
    )
  )
    return {
      ...refused(
        'sink-missing',
        `1Password has no item for ${reference}. Make it there, or correct the names; an id can stand for each.`,
        output,
      ),
      missing: 'item',
    }
  return refused('sink-refused', `1Password refused it: op ended with exit code ${ran.code}.`, output)
}

const lockedRefusal = (words: string, output: string): Refusal => ({
  ...refused('sink-locked', `1Password cannot be used now. ${words}`, output),
  waitFor: {
    id: 'op-locked',
    title: 'Unlock 1Password',
    body: `${words} Unlock the 1Password app, and allow Zotbar when it asks.`,
    confirm: 'Try again',
    triesAgain: true,
  },
})

/** For /bin/sh. */
