import { expect, test } from 'vitest'
import type { Forecast } from '../../utils/forecast.ts'
import { logNormal, meanOf, p90Of } from '../../utils/log-normal.ts'
import { routerSettings } from '../router-settings.ts'
import type { ArmRef } from '../router-types.ts'
import type { ArmEstimate } from './arm-estimate.ts'
import { wantsProbe } from './wants-probe.ts'

const estimate = (ref: ArmRef, time: Forecast | undefined): ArmEstimate => ({
  ...ref,
  time,
  meanMs: time === undefined ? Number.POSITIVE_INFINITY : meanOf(time),
  p90Ms: time === undefined ? Number.POSITIVE_INFINITY : p90Of(time),
  extraMs: 0,
  price: {},
})
const edge = estimate({ arm: 'edge' }, logNormal(100, 0.01))
const cloudOf = (time: Forecast | undefined) => estimate({ arm: 'cloud', endpoint: 'near' }, time)
/** Slower than the edge, but not by a standard deviation. */
const close = cloudOf(logNormal(130, 0.25))
const wants = (changes: Partial<Parameters<typeof wantsProbe>[0]>) =>
  wantsProbe(
    { first: edge, second: undefined, edge, cloud: close, ageMs: 5_000, sinceProbeMs: 5_000, ...changes },
    routerSettings,
  )
const changed = (chance: number): Forecast => ({
  ...logNormal(400, 0.01),
  otherwise: { chance, value: logNormal(50, 0.01) },
})

test.each<[string, boolean, Partial<Parameters<typeof wantsProbe>[0]>]>([
  ['the cloud may be faster and was not measured for long', true, {}],
  ['it was never measured', true, { ageMs: undefined }],
  ['it was measured lately', false, { ageMs: 2_999 }],
  ['a probe was sent lately', false, { sinceProbeMs: 2_999 }],
  ['the request itself goes to the cloud', false, { first: close }],
  ['both arms start at once', false, { second: { arm: 'cloud', afterMs: 0, purpose: 'explore' } }],
  ['the cloud may follow later', true, { second: { arm: 'cloud', afterMs: 50, purpose: 'hedge' } }],
  ['the cloud is slower by more than a standard deviation', false, { cloud: cloudOf(logNormal(180, 0.25)) }],
  ['the link may have changed to a faster one', true, { cloud: cloudOf(changed(0.1)) }],
  ['the link has hardly a chance to have changed', false, { cloud: cloudOf(changed(0.01)) }],
  ['nothing is known of the cloud', false, { cloud: cloudOf(undefined) }],
])('%s: %s', (_, probed, changes) => {
  expect(wants(changes)).toBe(probed)
})
