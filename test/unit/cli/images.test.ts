import { expect, it } from 'vitest'
import { compareImages, readImageName } from '../../../cli/images.ts'

it('sorts tags as people count', () => {
  const images = [
    ['team/app10', 'v1'],
    ['team/app9', 'v1.10.0'],
    ['team/app9', 'v1.9.0'],
    ['team/app9', 'latest'],
  ].map(([repository = '', tag = '']) => ({ repository, tag }))
  expect(images.toSorted(compareImages).map(({ repository, tag }) => `${repository}:${tag}`)).toEqual([
    'team/app9:latest',
    'team/app9:v1.9.0',
    'team/app9:v1.10.0',
    'team/app10:v1',
  ])
})

it.each([
  ['team/app', 'team/app', 'latest'],
  ['team/app:1', 'team/app', '1'],
  [`team/app@sha256:${'0'.repeat(64)}`, 'team/app', `sha256:${'0'.repeat(64)}`],
  [`team/app:1@sha256:${'0'.repeat(64)}`, 'team/app', `sha256:${'0'.repeat(64)}`],
  ['team/app@sha256:short', 'team/app', 'sha256:short'],
  // Tags that only zot takes.
  ['app:-x', 'app', '-x'],
  ['app:a:b', 'app', 'a:b'],
  ['app:a@b', 'app', 'a@b'],
  ['app:a%2Fb', 'app', 'a%2Fb'],
])('reads %s', (text, repository, reference) => {
  expect(readImageName(text)).toEqual({ repository, reference })
})
