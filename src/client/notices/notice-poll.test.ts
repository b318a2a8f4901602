import { expect, it } from 'vitest'
import type { Notice } from '../../contracts/notice.ts'
import type { NetworkChange } from '../../network/network-watcher.ts'
import { createManualTimers } from '../../testing/manual-timers.ts'
import { until } from '../../testing/until.ts'
import { createNoticePoll } from './notice-poll.ts'

const notice = (id: string, body: Notice['body']): Notice => ({ id, createdMs: 1, body })
const down = notice('1', { kind: 'region-down', url: 'https://a.example/', why: 'Repairs.' })
const hello = notice('2', { kind: 'message', text: 'Hello.' })

function setUp(names: readonly string[] = ['https://a.example']) {
  const said = new Map<string, readonly Notice[] | Error | undefined | Promise<readonly Notice[]>>(
    names.map((name) => [name, []]),
  )
  const asked: string[] = []
  const heard: [readonly Notice[], boolean][] = []
  const timers = createManualTimers()
  const network = { online: true, listener: undefined as ((change: NetworkChange) => void) | undefined }
  let clock = 0
  let fails = false
  const notices = createNoticePoll({
    sources: names.map((name) => ({
      name,
      async notices() {
        asked.push(name)
        const answer = await said.get(name)
        if (answer instanceof Error) throw answer
        return answer
      },
    })),
    watcher: {
      get online() {
        return network.online
      },
      onChange(listener) {
        network.listener = listener
        return () => {}
      },
    },
    async onChange(current, isWhole) {
      if (fails) throw new Error('no worker')
      heard.push([current, isWhole])
    },
    timers,
    now: () => clock,
  })
  /** For what must not happen: whatever was begun has come to its end, since nothing in this test takes time. */
  const settled = () => new Promise((resolve) => setTimeout(resolve))
  return {
    notices,
    said,
    asked,
    heard,
    timers,
    network,
    settled,
    later: (ms: number) => {
      clock += ms
    },
    fail: (now: boolean) => {
      fails = now
    },
    async again() {
      timers.fireAll()
      await settled()
    },
  }
}

it('asks when a request may leave the device, and again after a while, and tells what changed', async () => {
  const { notices, said, asked, heard, again } = setUp()
  expect(asked).toEqual([])
  notices.start()
  notices.start()
  await until(() => heard.length > 0)
  expect(asked).toHaveLength(1)
  // Also that nothing holds: what an earlier visit kept is lifted by it.
  expect(heard).toEqual([[[], true]])
  said.set('https://a.example', [down, hello])
  await again()
  await until(() => heard.length > 1)
  await again()
  expect(heard.slice(1)).toEqual([[[down, hello], true]])
  expect(notices.closed('https://a.example')).toEqual({
    kind: 'region-down',
    endpoint: 'https://a.example',
    why: 'Repairs.',
  })
  expect(notices.closed('https://b.example')).toBeUndefined()
})

it('asks at once when the device is online again', async () => {
  const { notices, asked, network, settled } = setUp()
  network.online = false
  notices.start()
  await settled()
  expect(asked).toEqual([])
  network.online = true
  network.listener?.({ online: true, saveData: false, networkChanged: true })
  await until(() => asked.length > 0)
  expect(asked).toHaveLength(1)
})

it('asks again when the network came back while an answer was under way, which may have been lost with it', async () => {
  const { notices, said, asked, heard, network, settled } = setUp()
  let lose = () => {}
  said.set(
    'https://a.example',
    new Promise((_, reject) => {
      lose = () => reject(new Error('the network changed'))
    }),
  )
  notices.start()
  await until(() => asked.length > 0)
  network.listener?.({ online: true, saveData: false, networkChanged: true })
  await settled()
  expect(asked).toHaveLength(1)
  said.set('https://a.example', [down])
  lose()
  await until(() => heard.length > 0)
  expect(asked).toHaveLength(2)
  expect(heard).toEqual([[[down], true]])
})

it('keeps to what an endpoint said last while it fails, and says that something may be missing', async () => {
  const { notices, said, heard, again } = setUp(['https://a.example', 'https://b.example'])
  said.set('https://a.example', [down])
  said.set('https://b.example', new Error('down'))
  notices.start()
  await until(() => heard.length > 0)
  expect(heard).toEqual([[[down], false]])
  said.set('https://a.example', new Error('down'))
  said.set('https://b.example', [hello])
  await again()
  await until(() => heard.length > 1)
  expect(heard.at(-1)).toEqual([[down, hello], true])
})

it('does not ask a server without notices again and again', async () => {
  const { notices, said, asked, again, settled, later } = setUp()
  said.set('https://a.example', undefined)
  notices.start()
  await settled()
  await again()
  expect(asked).toHaveLength(1)
  later(3_600_000)
  await again()
  await until(() => asked.length > 1)
  expect(asked).toHaveLength(2)
})

it('tells again what could not be done', async () => {
  const { notices, heard, fail, again, settled } = setUp()
  fail(true)
  notices.start()
  await settled()
  expect(heard).toEqual([])
  fail(false)
  await again()
  await until(() => heard.length > 0)
  expect(heard).toHaveLength(1)
})

it('ends', async () => {
  const { notices, timers, asked, settled } = setUp()
  notices.start()
  await settled()
  notices.close()
  expect(timers.size).toBe(0)
  notices.start()
  expect(asked).toHaveLength(1)
})
