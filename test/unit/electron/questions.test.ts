import type { BrowserWindow } from 'electron'
import { expect, it } from 'vitest'
import { createQuestions } from '../../../main/questions.ts'
import { fakeElectron } from '../../fakes/electron.ts'

const question = { title: 'Go on?', body: 'It cannot be undone.', confirm: 'Go on' }

function start(platform: NodeJS.Platform = 'darwin') {
  const fake = fakeElectron({ platform })
  const logged: string[] = []
  let opens = true
  const create = () => new fake.electron.BrowserWindow({ width: 960, height: 640 })
  const questions = createQuestions({
    electron: fake.electron,
    platform,
    openWindow: async () => (opens ? create() : undefined),
    log: message => void logged.push(message),
  })
  return {
    ...fake,
    questions,
    logged,
    create,
    noWindow: () => {
      opens = false
    },
  }
}
const settled = () => new Promise(resolve => setImmediate(resolve))

it('stand on the window of the page that asked, and bring the app to the front before', async () => {
  const { questions, create, windows, done, seenOfApp } = start()
  const parent = create()
  done.answers.push(1)
  expect(await questions.confirm(question, { parent })).toBe(true)
  expect(done.questions).toMatchObject([{ parent: windows[0], buttons: ['Cancel', 'Go on'], cancelId: 0 }])
  expect([windows.length, seenOfApp.focused]).toEqual([1, 1])
})

it('open the main window where nobody asked, or where the window that asked is not to be seen', async () => {
  const { questions, create, windows, done } = start()
  expect(await questions.confirm(question)).toBe(false)
  expect(done.questions[0]?.parent).toBe(windows[0])
  const hidden = create()
  hidden.hide()
  const gone = create()
  gone.destroy()
  await questions.show({ title: 'So', body: '' }, { parent: hidden })
  await questions.show({ title: 'So', body: '' }, { parent: gone })
  expect(done.questions.map(({ parent }) => (parent ? windows.indexOf(parent) : -1))).toEqual([0, 3, 4])
})

it('are declined, and logged, where no window can be opened', async () => {
  const { questions, noWindow, done, logged } = start()
  noWindow()
  expect(await questions.confirm(question)).toBe(false)
  expect([done.questions, logged]).toEqual([[], ['No window could be opened to ask: Go on?']])
})

it('mean Cancel when their window goes, or when nobody needs the answer any more', async () => {
  const { questions, create, done } = start()
  done.answers.push('never', 'never', 'never')
  const parent = create()
  const first = questions.confirm(question, { parent })
  await settled()
  expect(questions.standsOn(parent)).toBe(true)
  parent.destroy()
  expect(await first).toBe(false)
  expect(questions.standsOn(parent)).toBe(false)
  const withdrawal = new AbortController()
  const second = questions.confirm(question, { parent: create(), signal: withdrawal.signal })
  await settled()
  withdrawal.abort()
  expect(await second).toBe(false)
  expect(done.questions.map(({ signal }) => signal?.aborted)).toEqual([true, true])
  expect(await questions.confirm(question, { signal: withdrawal.signal })).toBe(false)
  expect(done.questions).toHaveLength(2)
})

it('leave the platforms without that rule alone', async () => {
  const { questions, seenOfApp, create } = start('linux')
  expect(await questions.confirm(question, { parent: create() as BrowserWindow })).toBe(false)
  expect(seenOfApp.focused).toBe(0)
})
