import { expect, test } from 'vitest'
import { createTransferSlots, type TransferClaim } from './transfer-slots.ts'

const waiting: TransferClaim = { priority: 'waiting' }
const settled = async () => {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve()
}

test('what somebody waits for goes first, and ahead-of-need downloads yield to it', async () => {
  const slots = createTransferSlots(1)
  const background: TransferClaim = { priority: 'background' }
  const giveFirst = await slots.take(background)
  const order: string[] = []
  void slots.take(background).then(() => order.push('background'))
  const urgent = slots.take(waiting).then((give) => {
    order.push('waiting')
    return give
  })
  await settled()
  expect(slots.mustYield(background)).toBe(true)
  giveFirst()
  const giveUrgent = await urgent
  expect(order).toEqual(['waiting'])
  giveUrgent()
  await settled()
  expect(order).toEqual(['waiting', 'background'])
})

test('while an urgent download is under way, others get no connection although one is free', async () => {
  const slots = createTransferSlots(6)
  const give = await slots.take(waiting)
  let isGranted = false
  void slots.take({ priority: 'background' }).then(() => {
    isGranted = true
  })
  await settled()
  expect(isGranted).toBe(false)
  give()
  await settled()
  expect(isGranted).toBe(true)
})

test('a claim that is raised no longer yields', async () => {
  const slots = createTransferSlots(1)
  const claim: TransferClaim = { priority: 'background' }
  await slots.take(claim)
  void slots.take(waiting)
  expect(slots.mustYield(claim)).toBe(true)
  claim.priority = 'waiting'
  expect(slots.mustYield(claim)).toBe(false)
})

test('an abort leaves the queue, and lets the ones behind it through', async () => {
  const slots = createTransferSlots(1)
  const give = await slots.take(waiting)
  const controller = new AbortController()
  const aborted = slots.take(waiting, controller.signal)
  const behind = slots.take(waiting)
  controller.abort('enough')
  await expect(aborted).rejects.toBe('enough')
  give()
  give()
  await expect(behind).resolves.toBeTypeOf('function')
})
