import { afterEach, expect, it } from 'vitest'
import { textBehaviours } from '../../testing/text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from '../../testing/text-servers/fake-text-server.ts'
import { openTextServer } from './open-text-server.ts'

let fake: FakeTextServer | undefined
afterEach(() => fake?.close())

it('what is known of its kind holds until a server can be probed, which was away when it was to be', async () => {
  let nowMs = 0
  fake = await openFakeTextServer({ behaviour: textBehaviours.byIds })
  const server = openTextServer({ url: fake.url, askMs: 50_000, now: () => nowMs })
  fake.fail({ kind: 'status', status: 503 })
  const away = await server.describe('teller')
  expect(away).toMatchObject({ kind: 'vllm', waysKnown: 'assumed' })
  expect(away.ways.map(({ way }) => way)).toEqual(['token-ids', 'text', 'continue-final-message'])
  fake.fail(undefined)
  nowMs += 14_999
  expect(await server.describe('teller')).toBe(away)
  nowMs += 1
  expect(await server.describe('teller')).toMatchObject({ kind: 'vllm', waysKnown: 'probed' })
})

it('nothing is known of a server that is not known, and was away', async () => {
  fake = await openFakeTextServer({ behaviour: textBehaviours.byText })
  fake.fail({ kind: 'status', status: 503 })
  const server = openTextServer({ url: fake.url, askMs: 50_000 })
  expect(await server.describe('teller')).toMatchObject({ kind: 'unknown', ways: [], waysKnown: 'no' })
})
