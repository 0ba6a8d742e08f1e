import type { Failure } from '../../contract/failure.ts'
import { failureMessage } from '../../contract/messages/failure-message.ts'
import type { RunbookError } from '../../contract/runbook.ts'
import type { SinkResult, SinkSecret } from './sink.ts'

/** It has the key, or can be given one. */
export const done: SinkResult = { ok: true }

/** `words`: what happened, a sentence; `detail`: the quoted end of an output. Neither has the key in it. */
export const refused = (code: string, words: string, detail = ''): { ok: false; error: RunbookError } => ({
  ok: false,
  error: detail === '' ? { code, words } : { code, words, detail },
})

/** The run was cancelled meanwhile. */
export const cancelled = refused('cancelled', 'It was cancelled.')

/** A failure of the contract as an error of a step. */
export function errorOf(failure: Failure): RunbookError {
  const { title, steps } = failureMessage(failure)
  return { code: failure.code, words: `${title}.`, ...(steps.length > 0 && { detail: steps.join('\n') }) }
}

/** Text of somebody else without the secret, in any of the forms that a program may print it in. */
export function maskSecret(text: string, { user, key }: SinkSecret): string {
  const pair = `${user}:${key}`
  const forms = [key, encodeURIComponent(key), JSON.stringify(key).slice(1, -1), base64(key), base64(pair)]
  const longestFirst = [...new Set(forms)].filter(Boolean).sort((a, b) => b.length - a.length)
  return longestFirst.reduce((masked, form) => masked.replaceAll(form, '***'), text)
}

/** The end of an output, scrubbed first: a cut must not leave half a secret. */
export function maskedTail(text: string, secret: SinkSecret | undefined): string {
  return (secret ? maskSecret(text, secret) : text)
    .split(/[\r\n]+/)
    .map(line => line.replace(/\p{Cc}/gu, ' ').trim())
    .filter(line => line !== '')
    .slice(-8)
    .map(line => line.slice(0, 300))
    .join('\n')
}

/** Of its UTF-8 bytes (RFC 4648). */
export const base64 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')
