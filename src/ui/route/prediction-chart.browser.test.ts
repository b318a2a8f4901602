import { afterEach, expect, test } from 'vitest'
import type { RouteKnowledge } from '../../index.ts'
import { PredictionChart } from './prediction-chart.ts'

afterEach(() => document.body.replaceChildren())

const known = (changes: Partial<RouteKnowledge> = {}): RouteKnowledge => ({
  online: true,
  saveData: false,
  savePower: false,
  edgeStatus: 'absent',
  edgeWaiting: 0,
  requestBytes: 1_000,
  links: [{ endpoint: 'https://a.example', measured: true }],
  ...changes,
})

async function show(changes: Partial<PredictionChart>) {
  const chart = Object.assign(new PredictionChart(), {
    predicted: { edge: { meanMs: 30_300, p90Ms: 65_000 }, cloud: { meanMs: 100, p90Ms: 150 } },
    ran: 'cloud',
    actualMs: 120,
    ...changes,
  })
  document.body.append(chart)
  await chart.updateComplete
  const textOf = (arm: string) =>
    chart.renderRoot
      .querySelector(`[data-testid="predicted-${arm}"] .figures`)
      ?.textContent?.replace(/\s+/g, ' ')
      .trim()
  return { edge: textOf('edge'), cloud: textOf('cloud') }
}

test('what was assumed is said to be, arm by arm', async () => {
  const assumed = await show({ known: known({ edgeMeasured: false }) })
  expect(assumed.edge).toBe('30.3 s, 9 in 10 under 1 min 5 s (partly assumed, not measured yet)')
  expect(assumed.cloud).toBe('100 ms, 9 in 10 under 150 ms; took 120 ms')
  const measured = await show({ known: known({ edgeMeasured: true, links: [{ endpoint: 'x', measured: false }] }) })
  expect(measured.edge).toBe('30.3 s, 9 in 10 under 1 min 5 s')
  expect(measured.cloud).toContain('not measured yet')
})

test('once the model was ready, that time stands beside what was predicted of it', async () => {
  const { edge } = await show({ other: { arm: 'edge', ms: 550, known: 'when-ready' } })
  expect(edge).toBe('30.3 s, 9 in 10 under 1 min 5 s; measured since: 550 ms')
  // A run that was overtaken is told of elsewhere, as one that was given up.
  expect((await show({ other: { arm: 'edge', ms: 550, known: 'at-least' } })).edge).not.toContain('550')
})

test('a record of an older release, without what is known, is shown as before', async () => {
  const { edge } = await show({})
  expect(edge).toBe('30.3 s, 9 in 10 under 1 min 5 s')
})
