import * as v from 'valibot'
import { expect, test } from 'vitest'
import { command } from '../../../contract/command.ts'

const parse = command<null>()(
  v.object({
    user: v.pipe(v.string(), v.minLength(2), v.maxLength(3)),
    scopes: v.optional(v.pipe(v.array(v.string()), v.minLength(1))),
  }),
  ['cli'],
).parse

test.each([
  [{ user: '' }, 'user', 'nothing', 'at least 2 characters'],
  [{ user: 'a' }, 'user', '1 character', 'at least 2 characters'],
  [{ user: 'abcd' }, 'user', '4 characters', 'at most 3 characters'],
  [{ user: 'ab', scopes: [] }, 'scopes', 'nothing', 'at least 1 value'],
  [{ user: 5 }, 'user', '5', 'string'],
  [{}, 'user', 'undefined', '"user"'],
])('says of input %j what came and what is allowed', (input, field, wrong, allowed) => {
  expect(parse(input)).toEqual({ ok: false, error: { code: 'bad-input', field, wrong, allowed } })
})
