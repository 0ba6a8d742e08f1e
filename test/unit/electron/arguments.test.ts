import { expect, it } from 'vitest'
import { argumentOf } from '../../../main/arguments.ts'

it('reads an option of the app among those of Chromium', () => {
  expect(argumentOf(['electron', '.', '--config', '/c.json', '--inspect=0'], '--config')).toBe('/c.json')
  expect(argumentOf(['zotbar', '--config=/a b.json'], '--config')).toBe('/a b.json')
  expect(argumentOf(['zotbar', '--configuration', 'x'], '--config')).toBeUndefined()
  expect(argumentOf(['zotbar', '--config', '--login-agent'], '--config')).toBeUndefined()
  expect(argumentOf(['zotbar', '--config'], '--config')).toBeUndefined()
  expect(argumentOf(['zotbar', '--config='], '--config')).toBeUndefined()
})
