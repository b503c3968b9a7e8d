import { expect, it } from 'vitest'
import { withinApp } from '@/app/guards'

it.each([
  [null, '/'],
  ['/demand/segments?method=kmeans', '/demand/segments?method=kmeans'],
  ['https://elsewhere.example/', '/'],
  ['//elsewhere.example/', '/'],
  ['/\\elsewhere.example/', '/'],
  ['javascript:alert(1)', '/'],
])('after the log-in %s leads to %s', (next, path) => {
  expect(withinApp(next)).toBe(path)
})
