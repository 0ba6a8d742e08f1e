import { describe, expect, it } from 'vitest'
import { buildSettings } from '../../../core/settings/build-settings.ts'
import {
  fillPlaceholders,
  findBadPlaceholder,
  goNames,
  hasPlaceholder,
  parseRecipe,
} from '../../../core/source-build/recipe.ts'

const values = { version: 'v2.1.15', folder: "~/it's here", go: '1.25.7', os: 'linux', arch: 'arm64' }

describe('a recipe', () => {
  it('is a command per line or a JSON array', () => {
    const commands = { ok: true, value: ['make clean', 'make "binary"'] }
    expect(parseRecipe('\n# first\nmake clean\r\n  make "binary"\n')).toEqual(commands)
    expect(parseRecipe('["make clean", "", "make \\"binary\\""]')).toEqual(commands)
    expect(parseRecipe('[ -d .git ] || git init')).toMatchObject({ value: ['[ -d .git ] || git init'] })
  })

  it.each([
    ['', 'it has no command'],
    ['# only this', 'it has no command'],
    ['["a", 1]', 'it begins like a JSON array of texts, and is none'],
    ['["a"', 'it begins like a JSON array of texts, and is none'],
    ['["a\\nb"]', 'one of its texts has more than one line'],
    ['a\0b', 'it has a zero byte'],
    ['a\n'.repeat(101), 'it has 101 commands; at most 100 are taken'],
  ])('is refused: %j', (text, reason) => {
    expect(parseRecipe(text)).toEqual({ ok: false, error: { code: 'bad-recipe', reason } })
  })

  it('gets its values, and what is the shell’s stays', () => {
    expect(
      fillPlaceholders('cd {folder} && git checkout {version} && mise use go@{go} {os}/{arch}', values),
    ).toBe(`cd ~/'it'\\''s here' && git checkout v2.1.15 && mise use go@1.25.7 linux/arm64`)
    // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
    expect(fillPlaceholders('echo ${version} {a,b} {other}', values)).toBe('echo ${version} {a,b} {other}')
    expect([
      hasPlaceholder('go', 'go@{go}'),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      hasPlaceholder('go', 'go@${go}'),
      hasPlaceholder('go', '{version}'),
    ]).toEqual([true, false, false])
  })

  it('takes nothing but names for values, as they become part of a command line', () => {
    expect(findBadPlaceholder({ version: 'v2.1.15', go: '1.25.7' })).toBeUndefined()
    expect(findBadPlaceholder({ version: 'v1; rm -rf ~' })).toMatchObject({
      code: 'bad-input',
      field: 'version',
    })
    expect(findBadPlaceholder({ version: '--upload-pack=x' })).toMatchObject({ code: 'bad-input' })
    expect(findBadPlaceholder({ version: 'v1', go: '$(id)' })).toMatchObject({
      code: 'bad-input',
      field: 'go',
    })
    expect(goNames({ platform: 'darwin', arch: 'x64' })).toEqual({ os: 'darwin', arch: 'amd64' })
  })

  it('is prefilled with the steps that build zot', () => {
    const read = parseRecipe(buildSettings['build.recipe'].default)
    const filled = read.ok ? read.value.map(line => fillPlaceholders(line, values)) : []
    expect(filled.slice(-2)).toEqual(['mise use go@1.25.7', 'mise x -- make binary'])
    expect(filled.join('\n')).toContain('https://github.com/project-zot/zot refs/tags/v2.1.15')
    expect(fillPlaceholders(buildSettings['build.output'].default, values)).toBe('bin/zot-linux-arm64')
  })
})
