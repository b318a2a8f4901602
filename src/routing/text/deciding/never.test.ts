import fc from 'fast-check'
import { expect, test } from 'vitest'
import { privacyModes } from '../../../contracts/route.ts'
import { logNormal } from '../../../utils/log-normal.ts'
import { textSettings } from '../text-settings.ts'
import type { TextEdgeOption, TextForecast, TextSnapshot } from '../text-types.ts'
import { createTextRouter } from './create-text-router.ts'

const writes = (firstMs: number, tokenMs: number, spread: number): TextForecast => ({
  firstToken: logNormal(firstMs, spread),
  token: logNormal(tokenMs, 0.01),
  isMeasured: true,
})

const anyMs = fc.double({ min: 1, max: 1e5, noNaN: true })
const anyForecast = fc.record({
  firstMs: anyMs,
  tokenMs: fc.double({ min: 1, max: 2_000, noNaN: true }),
  spread: fc.double({ min: 0, max: 2, noNaN: true }),
})
const anySnapshot = fc.record({
  privacy: fc.constantFrom(...privacyModes),
  online: fc.boolean(),
  saveData: fc.boolean(),
  savePower: fc.boolean(),
  once: fc.boolean(),
  mayMove: fc.boolean(),
  objective: fc.constantFrom('first-token' as const, 'whole' as const),
  promptTokens: fc.integer({ min: 1, max: 5_000 }),
  maxTokens: fc.integer({ min: 1, max: 2_000 }),
  status: fc.constantFrom('absent', 'downloading', 'stored', 'loading', 'ready', 'unavailable' as const),
  edge: fc.option(anyForecast, { nil: undefined }),
  context: fc.integer({ min: 100, max: 8_000 }),
  clouds: fc.array(
    fc.record({
      forecast: fc.option(anyForecast, { nil: undefined }),
      context: fc.integer({ min: 100, max: 8_000 }),
      lacks: fc.boolean(),
    }),
    { maxLength: 3 },
  ),
})
const toForecast = (of: { firstMs: number; tokenMs: number; spread: number } | undefined) =>
  of && writes(of.firstMs, of.tokenMs, of.spread)
const toSnapshot = ({
  status,
  edge,
  context,
  clouds,
  ...rest
}: typeof anySnapshot extends fc.Arbitrary<infer T> ? T : never): TextSnapshot => ({
  model: 'm@1',
  ...rest,
  edge: { status: status as TextEdgeOption['status'], contextTokens: context, forecast: toForecast(edge) },
  clouds: clouds.map(({ forecast, context: contextTokens, lacks }, index) => ({
    endpoint: `https://${index}.example`,
    hasModel: true,
    contextTokens,
    lacks,
    forecast: toForecast(forecast),
  })),
})

test('never: edge-only to the cloud, cloud-only to the edge, to the cloud while offline, beyond a context, twice where once', () => {
  fc.assert(
    fc.property(fc.array(anySnapshot, { minLength: 1, maxLength: 8 }), (all) => {
      const router = createTextRouter({ now: () => 0 })
      for (const each of all) {
        const given = toSnapshot(each)
        const plan = router.decide(given)
        if (plan.arm === undefined) continue
        const places = [plan, ...plan.fallbacks, ...(plan.second === undefined ? [] : [plan.second])]
        for (const { arm, endpoint } of places) {
          if (given.privacy === 'edge-only') expect(arm).toBe('edge')
          if (given.privacy === 'cloud-only') expect(arm).toBe('cloud')
          if (!given.online) expect(arm).toBe('edge')
          if (arm === 'edge') {
            expect(given.edge.status).not.toBe('unavailable')
            expect(given.promptTokens).toBeLessThan(given.edge.contextTokens ?? 0)
          } else {
            const cloud = given.clouds.find((option) => option.endpoint === endpoint)
            expect(cloud?.lacks).toBe(false)
            expect(given.promptTokens).toBeLessThan(cloud?.contextTokens ?? 0)
          }
        }
        if (given.once) expect(plan.second).toBeUndefined()
        if (given.savePower && plan.second !== undefined) expect(plan.second.arm).toBe('cloud')
      }
    }),
    { numRuns: 50 },
  )
})

test('never: races that waste more than the budgets and two requests', () => {
  fc.assert(
    fc.property(
      fc.array(anySnapshot, { minLength: 5, maxLength: 40 }),
      fc.infiniteStream(fc.boolean()),
      (all, wins) => {
        const router = createTextRouter({ now: () => 0 })
        let tokens = 0
        let most = 0
        const wasted = { edge: 0, cloud: 0 }
        for (const each of all) {
          const given = toSnapshot(each)
          const plan = router.decide(given)
          if (plan.arm === undefined) continue
          tokens += given.promptTokens + plan.answerTokens
          most = Math.max(most, given.promptTokens + plan.answerTokens)
          if (plan.second !== undefined) {
            const lost = wins.next().value ? plan : plan.second
            wasted[lost.arm] += given.promptTokens
            router.observe(plan, {
              arm: lost.arm,
              ...(lost.endpoint === undefined ? {} : { endpoint: lost.endpoint }),
              result: 'lost',
              tokens: given.promptTokens,
            })
          }
          router.settle(plan)
        }
        const { edgeShare, cloudShare, edgeBurst, cloudBurst } = textSettings
        expect(wasted.edge).toBeLessThanOrEqual(edgeShare * tokens + (edgeBurst + 2) * most)
        expect(wasted.cloud).toBeLessThanOrEqual(cloudShare * tokens + (cloudBurst + 2) * most)
      },
    ),
    { numRuns: 50 },
  )
})
