import { expect, test, vi } from 'vitest'
import { eventually } from '../testing/until.ts'
import { createPowerWatcher } from './power-watcher.ts'

function fakeBattery(start: { charging: boolean; level: number }) {
  const target = new EventTarget()
  return Object.assign(target, start)
}

test('a low battery that nothing charges saves power, and charging ends it', async () => {
  const battery = fakeBattery({ charging: false, level: 0.15 })
  const watcher = createPowerWatcher({ navigator: { getBattery: async () => battery } })
  expect(watcher.savePower).toBe(false)
  watcher.start()
  await eventually(() => expect(watcher.savePower).toBe(true))
  battery.charging = true
  battery.dispatchEvent(new Event('chargingchange'))
  expect([watcher.savePower, watcher.onBattery]).toEqual([false, false])
  battery.charging = false
  battery.level = 0.8
  battery.dispatchEvent(new Event('levelchange'))
  expect([watcher.savePower, watcher.onBattery]).toEqual([false, true])
  watcher.stop()
  battery.level = 0.1
  battery.dispatchEvent(new Event('levelchange'))
  expect(watcher.savePower).toBe(false)
})

test('a browser without a battery, or one that refuses, saves nothing', async () => {
  const refusing = vi.fn(() => Promise.reject(new Error('not allowed')))
  for (const navigator of [undefined, {}, { getBattery: refusing }]) {
    const watcher = createPowerWatcher({ navigator })
    watcher.start()
    watcher.start()
    await Promise.resolve()
    expect(watcher.savePower).toBe(false)
    watcher.stop()
  }
  expect(refusing).toHaveBeenCalledTimes(1)
})
