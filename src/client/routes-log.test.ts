import { expect, test } from 'vitest'
import type { RouteRecord } from '../contracts/route.ts'
import { createRoutesLog } from './routes-log.ts'

const route = (id: string, ran: 'edge' | 'cloud' = 'cloud') => ({ id, ran }) as RouteRecord
const ready = { arm: 'edge', ms: 550, known: 'when-ready' } as const

test('what was measured after the answer is in the record from then on', () => {
  const log = createRoutesLog()
  log.add(route('a'))
  log.add(route('b'))
  expect(log.measured('a', ready)).toEqual({ id: 'a', ran: 'cloud', other: ready })
  expect(log.list()).toEqual([{ id: 'a', ran: 'cloud', other: ready }, route('b')])
  expect(log.toJsonLines()).toContain('when-ready')
})

test('what was measured before the answer came waits for it', () => {
  const log = createRoutesLog()
  expect(log.measured('a', ready)).toBeUndefined()
  expect(log.add(route('a'))).toEqual({ id: 'a', ran: 'cloud', other: ready })
  expect(log.list()).toEqual([{ id: 'a', ran: 'cloud', other: ready }])
})

test('an arm that answered in the end was no other one', () => {
  const log = createRoutesLog()
  log.add(route('a', 'edge'))
  expect(log.measured('a', ready)).toBeUndefined()
  log.measured('b', ready)
  expect(log.add(route('b', 'edge'))).toEqual(route('b', 'edge'))
})
