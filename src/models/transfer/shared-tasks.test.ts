import { expect, test } from 'vitest'
import { until } from '../../testing/until.ts'
import { createSharedTasks } from './shared-tasks.ts'

function setUp() {
  const tasks = createSharedTasks<number>()
  const starts: { signal: AbortSignal; report: (progress: number) => void; resolve: () => void }[] = []
  const start = (signal: AbortSignal, report: (progress: number) => void) =>
    new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
      starts.push({ signal, report, resolve })
    })
  /** Waits until so many tasks have started. */
  const started = (count: number) => until(() => starts.length === count)
  return { tasks, starts, start, started }
}

test('callers share one task and its progress; a late one hears at once where it stands', async () => {
  const { tasks, starts, start, started } = setUp()
  const heard: string[] = []
  const first = tasks.join('a', start, { onProgress: (value) => heard.push(`first ${value}`) })
  await started(1)
  starts[0]?.report(1)
  const second = tasks.join('a', start, { onProgress: (value) => heard.push(`second ${value}`) })
  starts[0]?.report(2)
  starts[0]?.resolve()
  await Promise.all([first, second])
  expect(starts).toHaveLength(1)
  expect(heard).toEqual(['first 1', 'second 1', 'first 2', 'second 2'])
  const next = tasks.join('a', start, {})
  await started(2)
  expect(starts).toHaveLength(2)
  starts[1]?.resolve()
  await next
})

test('the task is aborted when its last caller leaves, and a new caller starts anew', async () => {
  const { tasks, starts, start, started } = setUp()
  const one = new AbortController()
  const two = new AbortController()
  const first = tasks.join('a', start, { signal: one.signal })
  const second = tasks.join('a', start, { signal: two.signal })
  await started(1)
  one.abort('one')
  await expect(first).rejects.toBe('one')
  expect(starts[0]?.signal.aborted).toBe(false)
  two.abort('two')
  await expect(second).rejects.toBe('two')
  const third = tasks.join('a', start, {})
  await started(2)
  expect(starts[0]?.signal.reason).toBe('two')
  expect(starts).toHaveLength(2)
  starts[1]?.resolve()
  await third
})

test('a caller that comes while the last one leaves keeps the task alive', async () => {
  const { tasks, starts, start, started } = setUp()
  const controller = new AbortController()
  const first = tasks.join('a', start, { signal: controller.signal })
  await started(1)
  controller.abort('one')
  const second = tasks.join('a', start, {})
  await expect(first).rejects.toBe('one')
  starts[0]?.resolve()
  await second
  expect(starts).toHaveLength(1)
})

test('cancel tells every caller and waits for the end', async () => {
  const { tasks, start, started } = setUp()
  const task = tasks.join('a', start, {})
  await started(1)
  await Promise.all([tasks.cancel('a', 'gone'), expect(task).rejects.toBe('gone')])
  await tasks.cancel('b', 'nothing there')
})
