import { expect, it } from 'vitest'
import { compareImages } from '../../../cli/images.ts'

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
