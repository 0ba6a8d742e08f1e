import { describe, expect, it } from 'vitest'
import { setForgejoToken } from '../../../core/sinks/forgejo-sink.ts'
import { maskedTail, maskSecret } from '../../../core/sinks/sink-result.ts'

const secret = { user: 'zot-ci', key: 'zak_"1%', registryHost: 'r' }

describe('what others say', () => {
  it('is quoted without the key, plain, in JSON, in a URL and in base64', () => {
    const forms = [
      secret.key,
      JSON.stringify(secret.key).slice(1, -1),
      encodeURIComponent(secret.key),
      Buffer.from(secret.key).toString('base64'),
      Buffer.from(`zot-ci:${secret.key}`).toString('base64'),
    ]
    expect(maskSecret(`<${forms.join('><')}>`, secret)).toBe('<***><***><***><***><***>')
    expect(maskSecret('nothing of it', { ...secret, key: '' })).toBe('nothing of it')
  })

  it('is cut after it was scrubbed, and has no control characters', () => {
    const lines = Array.from({ length: 20 }, (_, n) => `line ${n}\u001b[31m`)
    expect(maskedTail(lines.join('\r\n'), secret).split('\n')).toHaveLength(8)
    expect(maskedTail(`${'x'.repeat(296)}${secret.key}`, secret)).toBe(`${'x'.repeat(296)}***`)
    expect(maskedTail('a\u001b[31mb', undefined)).toBe('a [31mb')
  })
})

describe('a token for Forgejo', () => {
  const give = async (given: string) => {
    const kept: string[] = []
    const set = async (text: string) => {
      kept.push(text)
      return { ok: true as const, value: null }
    }
    return { result: await setForgejoToken({ set }, given), kept }
  }

  it('is kept without the newline of a pipe', async () => {
    expect(await give(' tok_1\r\n')).toEqual({ result: { ok: true, value: null }, kept: ['tok_1'] })
  })

  it.each(['', '\n', 'two words', 'tok\nen', 'tök', 'x'.repeat(501)])('is refused: %j', async given => {
    const { result, kept } = await give(given)
    expect(result).toMatchObject({ ok: false, error: { code: 'bad-input', field: 'token' } })
    expect(kept).toEqual([])
  })
})
