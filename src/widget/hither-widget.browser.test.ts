import { afterEach, expect, test, vi } from 'vitest'
import './hither-widget.ts'

afterEach(() => {
  document.body.replaceChildren()
  vi.restoreAllMocks()
})

/** How a request ends: each has to. */
const outcome = (ending: Promise<unknown>) =>
  ending.then(
    () => 'answered',
    ({ code }: { readonly code?: string }) => code,
  )
const widgetWith = (attributes: Readonly<Record<string, string>>) => {
  const widget = document.createElement('hither-widget')
  for (const [name, value] of Object.entries(attributes)) widget.setAttribute(name, value)
  return widget
}

test('in no document, a request is refused, and said to be', async () => {
  const widget = widgetWith({ task: 'languages' })
  const told: unknown[] = []
  widget.addEventListener('hither-error', ({ detail }) => told.push(detail.code))
  expect(await outcome(widget.run('a text'))).toBe('config-invalid')
  expect(await outcome(widget.prepare())).toBe('config-invalid')
  expect(told).toEqual(['config-invalid', 'config-invalid'])
  expect(widget.status).toBe('failed')
})

test('taken out of the document, it is refused as well', async () => {
  const widget = widgetWith({ task: 'languages' })
  document.body.append(widget)
  await widget.updateComplete
  widget.remove()
  expect(await outcome(widget.run('a text'))).toBe('config-invalid')
})

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'blob:https://a.test/1',
  'about:blank',
  'mailto:a@b.test',
  'http://[',
])('a host or an endpoint of %s is no address', async (address) => {
  for (const name of ['host', 'endpoint']) {
    const widget = widgetWith({ task: 'languages', [name]: address })
    document.body.append(widget)
    expect(await outcome(widget.run('a text'))).toBe('config-invalid')
    expect(widget.problem?.message).toContain(name)
  }
})

test.each(['task', 'privacy', 'model', 'endpoint', 'theme'])(
  'an attribute %s that is empty, or was taken away, is as if it had not been set',
  async (name) => {
    const widget = widgetWith({ host: `${location.origin}/nothing/`, [name]: '' })
    document.body.append(widget)
    const picture = () => createImageBitmap(new ImageData(8, 8))
    // There is nothing at this address: that is all that is wrong.
    expect(await outcome(widget.run(await picture()))).toBe('catalog-unavailable')
    widget.removeAttribute(name)
    expect(await outcome(widget.run(await picture()))).toBe('catalog-unavailable')
  },
)

const revoked = () => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}
const handedOver = () => {
  const samples = new Float32Array(8)
  structuredClone(samples.buffer, { transfer: [samples.buffer] })
  return samples
}
const odd: readonly [string, () => unknown][] = [
  ['a symbol', () => Symbol('x')],
  ['a BigInt', () => 1n],
  ['a date', () => new Date()],
  ['a map', () => new Map()],
  ['a promise', () => Promise.resolve('x')],
  ['a stream', () => new ReadableStream()],
  ['an element', () => document.createElement('div')],
  ['the window', () => window],
  ['a proxy that was revoked', revoked],
  ['samples that were handed over', handedOver],
  ['a sound of samples that were handed over', () => ({ samples: handedOver(), rateHz: 16_000 })],
  ['an array of a million', () => Array.from({ length: 1_000_000 }, () => 1)],
]
test.each(['digits', 'languages', 'speech', 'faces'])(
  'whatever %s is given, it ends in a typed error',
  async (task) => {
    const widget = widgetWith({ host: `${location.origin}/nothing/`, task })
    document.body.append(widget)
    const ends: [string, unknown][] = []
    for (const [what, make] of odd) ends.push([what, await outcome(widget.run(make() as string))])
    expect(ends).toEqual(odd.map(([what]) => [what, expect.any(String)]))
  },
)
