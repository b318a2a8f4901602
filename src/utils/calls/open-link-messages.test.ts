import { afterEach, expect, test } from 'vitest'
import { eventually } from '../../testing/until.ts'
import { errorCodec as errors } from './error-codec.ts'
import { openLink } from './open-link.ts'

/** The two ends of a channel: a link opens on either, and the test writes raw messages to the other. */
const ports: MessagePort[] = []
function openChannel() {
  const { port1, port2 } = new MessageChannel()
  ports.push(port1, port2)
  return { port1, port2 }
}
afterEach(() => {
  for (const port of ports.splice(0)) port.close()
})

test('nothing but its methods can be reached, whatever message comlink would take', async () => {
  const { port1, port2 } = openChannel()
  let ran = 0
  const methods = {
    run: () => {
      ran += 1
      return ran
    },
    plain: 5,
  }
  const { alive } = openLink(port2 as never, { methods, errors })
  const answers = new Map<string, unknown>()
  port1.addEventListener('message', ({ data }) => answers.set(data.id, data.value))
  port1.start()
  const call = (target: unknown, more: object = {}) => ({
    type: 'APPLY',
    path: [],
    argumentList: [{ type: 'RAW', value: { target, values: [], ...more } }],
  })
  const refused: Record<string, object> = {
    get: { type: 'GET', path: [] },
    'get a property': { type: 'GET', path: ['constructor', 'constructor'] },
    'set a prototype': { type: 'SET', path: ['__proto__', 'polluted'], value: { type: 'RAW', value: 1 } },
    construct: { type: 'CONSTRUCT', path: ['constructor'], argumentList: [{ type: 'RAW', value: 'return 1' }] },
    'get all': { ...call('run'), type: 'GET' },
    'construct all': { ...call('run'), type: 'CONSTRUCT' },
    endpoint: { type: 'ENDPOINT' },
    release: { type: 'RELEASE' },
    'apply a path': { ...call('run'), path: ['call'] },
    'a handler': { type: 'APPLY', path: [], argumentList: [{ type: 'HANDLER', name: 'throw', value: { value: 1 } }] },
    'no such handler': { type: 'APPLY', path: [], argumentList: [{ type: 'HANDLER', name: 'none', value: 1 }] },
    'no arguments': { type: 'APPLY', path: [] },
    'an empty argument': { type: 'APPLY', path: [], argumentList: [null] },
    'an inherited method': call('toString'),
    'a prototype': call('__proto__'),
    'no method': call('plain'),
    'a function that was never sent': call(1),
    'a target that is neither': call({}),
    'places that are none': call('run', { signals: [[0, '__proto__', 1]] }),
    'a place in a prototype': call('run', { values: [{}], signals: [[0, '__proto__', 1]] }),
    'malformed places': call('run', { functions: 5 }),
  }
  for (const [id, message] of Object.entries(refused)) port1.postMessage({ id, ...message })
  port1.postMessage('not even an object')
  port1.postMessage({ id: 7, type: 'APPLY' })
  port1.postMessage({ abort: 3, release: 4 })
  port1.postMessage({ id: 'right', ...call('run') })
  await eventually(() => expect(answers.has('right')).toBe(true))
  expect(answers.get('right')).toEqual({ values: [1] })
  for (const id of Object.keys(refused)) expect([id, answers.get(id)]).toMatchObject([id, { error: {} }])
  expect([ran, alive, 'polluted' in {}]).toEqual([1, true, false])
})

test('an answer that is none rejects its call, and one to nobody is ignored', async () => {
  const { port1, port2 } = openChannel()
  const { methods } = openLink<{ run(): unknown }>(port1 as never, { errors })
  const ids: string[] = []
  port2.addEventListener('message', ({ data }) => ids.push(data.id))
  port2.start()
  const odd = [
    [{ type: 'RAW', value: 5 }, { code: 'worker-unavailable' }],
    [{ type: 'HANDLER', name: 'none' }, { code: 'worker-unavailable' }],
    [{ type: 'RAW', value: { error: null } }, { name: 'TypeError' }],
    [{ type: 'RAW', value: { values: [], functions: [[0, null, 1]] } }, { name: 'TypeError' }],
  ] as const
  for (const [answer, error] of odd) {
    const running = methods.run().catch((reason: unknown) => reason)
    await eventually(() => expect(ids).toHaveLength(1))
    port2.postMessage({ id: 'nobody', type: 'RAW', value: { values: [] } })
    port2.postMessage({ id: ids.pop(), ...answer })
    expect(await running).toMatchObject(error)
  }
})
