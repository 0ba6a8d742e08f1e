import { describe, expect, it } from 'vitest'
import { metOf, type Row, ratioOf } from '../../bench/figure.ts'
import { summary } from '../../bench/stats.ts'
import { table, value } from '../../bench/table.ts'

const fast: Row = {
  name: 'rate',
  unit: '/s',
  better: 'more',
  ours: summary([9_000, 10_000, 11_000]),
  peer: summary([1_000]),
  target: { kind: 'times-peer', value: 10 },
  note: 'with care',
}
const slow: Row = {
  name: 'start',
  unit: 's',
  better: 'less',
  ours: summary([1.5]),
  target: { kind: 'at-most', value: 1 },
}

describe('metOf', () => {
  it('compares the median with the bound or with the peer', () => {
    expect(metOf(fast)).toBe('yes')
    expect(metOf({ ...fast, target: { kind: 'times-peer', value: 11 } })).toBe('no')
    expect(metOf(slow)).toBe('no')
    expect(metOf({ ...slow, target: { kind: 'at-most', value: 1.5 } })).toBe('yes')
    expect(metOf({ ...fast, target: { kind: 'at-least', value: 10_000 } })).toBe('yes')
    expect(metOf({ ...fast, target: { kind: 'at-least', value: 10_001 } })).toBe('no')
  })

  it('never says yes of what was not measured', () => {
    const { peer: _, ...alone } = fast
    expect(metOf(alone)).toBe('not measured')
    expect(ratioOf(alone)).toBeUndefined()
    const nothing = summary([0])
    expect(ratioOf({ ...slow, ours: nothing, peer: nothing })).toBeUndefined()
  })

  it('says nothing where nothing was aimed at', () => {
    const { target: _, ...plain } = slow
    expect(metOf(plain)).toBeUndefined()
  })
})

describe('value', () => {
  it('keeps three figures', () => {
    expect(value(0.2134, 's')).toBe('0.213 s')
    expect(value(2.135, 'GB/s')).toBe('2.14 GB/s')
    expect(value(48.26, 'ms')).toBe('48.3 ms')
    expect(value(9_412.7, '/s')).toBe('9,413 /s')
    expect(value(3, 'count')).toBe('3')
  })
})

describe('table', () => {
  it('aligns the columns and puts the notes below', () => {
    const lines = table([fast, slow]).split('\n')
    expect(lines[2]).toMatch(
      /^rate \[1\] +10,000 \/s \(9,000\.\.11,000\) +10,980 \/s +1,000 \/s +10\.00x +>= 10x peer +yes$/,
    )
    expect(lines[3]).toMatch(/^start +1\.50 s +- +<= 1\.00 s +no$/)
    expect(lines[4]).toBe('[1] with care')
    expect(lines[0]?.indexOf('target')).toBe(lines[2]?.indexOf('>= 10x'))
  })
})
