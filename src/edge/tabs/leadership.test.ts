import { expect, test } from 'vitest'
import { until } from '../../testing/until.ts'
import { type Locks, standForElection } from './leadership.ts'

/** Stands with the given locks, and keeps what it is told. */
function stand(locks: Locks) {
  const told: string[] = []
  const leadership = standForElection(locks, 'engine', {
    onLead: () => told.push('leads'),
    onDeposed: () => told.push('deposed'),
  })
  return { told, leadership }
}

/** A browser that gives no locks, and what it was asked for. */
function refusing(error: Error) {
  const asked: LockOptions[] = []
  const answers: Promise<never>[] = []
  const locks = {
    request(_name: string, options: LockOptions) {
      asked.push(options)
      const answer = Promise.reject(error)
      answers.push(answer)
      return answer
    },
  } as unknown as Locks
  /** All answers have been heard. */
  const settled = async () => {
    await Promise.allSettled(answers)
    await new Promise((resolve) => setTimeout(resolve))
  }
  return { locks, asked, settled }
}

test('a frame of another site, which has no locks, leads alone, and once', async () => {
  const { locks, asked, settled } = refusing(new DOMException('access to the Locks API is denied', 'SecurityError'))
  const { told, leadership } = stand(locks)
  await until(() => told.length > 0)
  leadership.seize()
  await settled()
  expect(asked.map(({ steal }) => steal === true)).toEqual([false, true])
  expect(told).toEqual(['leads'])
  leadership.leave()
})

test('a page that is going away leads nothing and throws nothing', async () => {
  const { locks, asked, settled } = refusing(new DOMException('not fully active', 'InvalidStateError'))
  const { told, leadership } = stand(locks)
  leadership.seize()
  await settled()
  expect(asked).toHaveLength(2)
  expect(told).toEqual([])
})

test('one whose lead is taken stands again', async () => {
  const requests: { readonly held: () => Promise<void>; readonly reject: (error: Error) => void }[] = []
  const locks = {
    request: (_name: string, _options: LockOptions, held: () => Promise<void>) =>
      new Promise<void>((_, reject) => requests.push({ held, reject })),
  } as unknown as Locks
  const { told } = stand(locks)
  void requests[0]?.held()
  requests[0]?.reject(new DOMException('stolen', 'AbortError'))
  await until(() => requests.length === 2)
  expect(told).toEqual(['leads', 'deposed'])
  void requests[1]?.held()
  expect(told).toEqual(['leads', 'deposed', 'leads'])
})
