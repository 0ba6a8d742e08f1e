import { afterEach, expect, it, vi } from 'vitest'
import type { RunbookProgress } from '../../../contract/runbook.ts'
import { textPrinter } from '../../../core/program/printers.ts'
import { aSnapshot, restartStates } from '../../fakes/host.ts'

afterEach(() => void vi.restoreAllMocks())

const runbook: RunbookProgress = {
  run: '1',
  runbook: 'upgrade',
  title: 'Upgrade zot from v2.1.13 to v2.1.15',
  by: 'cli',
  since: 0,
  undoing: false,
  steps: [],
  parts: [],
}

it('tells the address of the dashboard once, also where a run goes on that was cut off before', () => {
  const said: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line))
  const print = textPrinter({ link: () => 'http://127.0.0.1:1/#token=t', worksOnce: true, byNpm: false })
  print(aSnapshot({ process: { kind: 'stopped', since: 0, why: 'never-started' }, runbook }), 1)
  print(aSnapshot({ process: restartStates[2]!, runbook }), 1)
  print(aSnapshot({ runbook }), 1)
  print(aSnapshot(), 1)
  print(aSnapshot(), 1)
  expect(said.filter(line => line.startsWith('Dashboard'))).toEqual([
    'Dashboard (this link works once): http://127.0.0.1:1/#token=t',
  ])
  expect(said.filter(line => line.startsWith('Serving'))).toHaveLength(1)
})

it('says who has the port of the dashboard, and its address when it is free', () => {
  const said: string[] = []
  vi.spyOn(console, 'log').mockImplementation((line: string) => void said.push(line))
  let address: string | undefined
  const print = textPrinter({ link: () => address, worksOnce: true, byNpm: false })
  print(
    aSnapshot({
      notices: [{ kind: 'no-dashboard', id: 'n', at: 1, port: 5051, pid: 7, command: '/x/other' }],
    }),
    1,
  )
  expect(said[0]).toBe('There is no dashboard: port 5051 is taken.')
  expect(said[1]).toContain('other (process 7) has it.')
  expect(said[1]).toContain('zotbar settings set dashboard.port N')
  expect(said.at(-1)).toMatch(/^Serving/)
  address = 'http://127.0.0.1:5051/#token=t'
  print(aSnapshot(), 1)
  print(aSnapshot(), 1)
  expect(said.filter(line => line.startsWith('Dashboard'))).toEqual([
    `Dashboard (this link works once): ${address}`,
  ])
})
