import { expect, type Page, test } from '@playwright/test'
import { type EmbeddingSite, openEmbeddingSite } from './support/embedding-site.ts'

/**
 * Case 48: messages from a wrong origin or source, or of 100 MB, do nothing; framing is as configured. By the port that a
 * page was given, whatever it asks is answered, and nothing but the engine's methods can be reached.
 */
let site: EmbeddingSite
test.beforeAll(async () => {
  site = await openEmbeddingSite()
})
test.afterAll(() => site.close())

const sentence = 'Mañana por la mañana iremos al mercado a comprar pan.'
const options = { task: 'languages', privacy: 'edge-only' }
const connect = { type: 'hither-connect', version: 2, options }

/** A call of one of the engine's methods, as the page's end of the link sends it. */
const callOf = (id: string, target: string, values: readonly unknown[], more: object = {}) => ({
  id,
  type: 'APPLY',
  path: [],
  argumentList: [{ type: 'RAW', value: { target, values, ...more } }],
})
const runOf = (id: string, input: object, more: object = {}) =>
  callOf(id, 'run', [input, { signal: undefined, ...more }], { signals: [[1, 'signal', 1]] })
const right = { kind: 'text', text: sentence }

/** Shows the widget's frame by hand, made for the given origin, and waits for its hello. */
const openFrame = (page: Page, madeFor: string) =>
  page.evaluate(
    ([src, host]) =>
      new Promise<unknown>((resolve) => {
        addEventListener('message', ({ origin, data }) => {
          if (origin === host) resolve(data)
        })
        const frame = document.createElement('iframe')
        frame.src = src
        document.body.append(frame)
      }),
    [`${site.host}/widget-frame.html#${encodeURIComponent(madeFor)}`, site.host] as const,
  )

/** Sends a message with a port to the frame, asks by that port, and keeps what it says under a name. */
const knock = (page: Page, name: string, message: unknown, origin = '*') =>
  page.evaluate(
    ([as, given, to, call]) => {
      const { port1, port2 } = new MessageChannel()
      const told: unknown[] = []
      const all = globalThis as unknown as { told?: Record<string, unknown[]>; ports?: Record<string, MessagePort> }
      all.told = { ...all.told, [as]: told }
      all.ports = { ...all.ports, [as]: port1 }
      port1.onmessage = ({ data }) => told.push(data)
      document.querySelector('iframe')?.contentWindow?.postMessage(given, to, [port2])
      port1.postMessage(call)
    },
    [name, message, origin, runOf('first', right)] as const,
  )
const told = (page: Page, name: string) =>
  page.evaluate((of) => (globalThis as unknown as { told: Record<string, unknown[]> }).told[of], name)
/** The answers, without the events that the frame tells of by calls of its own. */
const answers = async (page: Page, name: string) =>
  ((await told(page, name)) as { id: string; type: string; value: unknown }[]).filter(({ type }) => type === 'RAW')

test('the frame believes its parent of the right origin, and well-formed messages of bounded size only', async ({
  page,
}) => {
  await page.goto(site.show('/parent', { body: '' }))
  expect(await openFrame(page, site.origin)).toEqual({ type: 'hither-hello', version: 2 })

  // A window that is not its parent: a frame beside it, of the parent's own origin.
  await page.evaluate(
    ([message, call]) => {
      const beside = document.createElement('iframe')
      document.body.append(beside)
      const script = beside.contentDocument?.createElement('script')
      if (!script) return
      script.textContent = `const { port1, port2 } = new MessageChannel()
      parent.besideTold = []
      port1.onmessage = ({ data }) => parent.besideTold.push(data)
      parent.document.querySelector('iframe').contentWindow.postMessage(${JSON.stringify(message)}, '*', [port2])
      port1.postMessage(${JSON.stringify(call)})`
      beside.contentDocument?.body.append(script)
    },
    [connect, callOf('beside', 'prepare', [])] as const,
  )
  const wrong = [
    ['another version', { ...connect, version: 1 }],
    ['more than the schema has', { ...connect, extra: 1 }],
    ['an address that is none', { ...connect, options: { ...options, endpoint: 'nowhere' } }],
    ['no message', 'hither-connect'],
  ] as const
  for (const [name, message] of wrong) await knock(page, name, message)
  await page.evaluate((message) => {
    const frame = document.querySelector('iframe')?.contentWindow
    const large = { ...message, options: { ...message.options, model: 'x'.repeat(100_000_000) } }
    frame?.postMessage(large, '*', [new MessageChannel().port2])
    frame?.postMessage(new ArrayBuffer(100_000_000), '*', [new MessageChannel().port2])
  }, connect)

  // Had one of them been taken, this one would not be.
  await knock(page, 'right', connect)
  const ids = async () => (await answers(page, 'right')).map(({ id }) => id).toSorted()
  await expect.poll(ids).toEqual(['first'])
  for (const [name] of wrong) expect(await told(page, name), name).toEqual([])
  expect(await page.evaluate(() => (globalThis as unknown as { besideTold: unknown[] }).besideTold)).toEqual([])
})

test('whatever a page asks of the frame is answered, and reaches nothing but the methods', async ({ page }) => {
  await page.goto(site.show('/parent', { body: '' }))
  await openFrame(page, site.origin)
  await knock(page, 'port', connect)
  const refused: Record<string, readonly [object, string]> = {
    'more than it takes': [runOf('', { ...right, more: 1 }), 'input-type'],
    'an option that is none': [runOf('', right, { more: 1 }), 'input-type'],
    'no signal': [callOf('', 'run', [right, {}]), 'input-type'],
    nothing: [callOf('', 'run', []), 'input-type'],
    'another method': [callOf('', 'eval', ['1']), 'options-invalid'],
    'an inherited method': [callOf('', 'constructor', []), 'options-invalid'],
    'a property': [{ type: 'GET', path: ['run', 'constructor'] }, 'options-invalid'],
    'a constructor': [{ type: 'CONSTRUCT', path: ['run', 'constructor'], argumentList: [] }, 'options-invalid'],
    'a prototype': [{ type: 'SET', path: ['__proto__', 'x'], value: { type: 'RAW', value: 1 } }, 'options-invalid'],
  }
  await page.evaluate(
    ([messages, long, large]) => {
      const { ports } = globalThis as unknown as { ports: Record<string, MessagePort> }
      const say = (message: unknown) => ports.port?.postMessage(message)
      for (const [id, message] of Object.entries(messages)) say({ ...message, id })
      const inputOf = (message: object) =>
        (message as { argumentList: { value: { values: Record<string, unknown>[] } }[] }).argumentList[0]?.value
          .values[0]
      Object.assign(inputOf(long) ?? {}, { text: 'x'.repeat(100_000_000) })
      say(long)
      Object.assign(inputOf(large) ?? {}, { picture: new Blob([new Uint8Array(100_000_000)]) })
      say(large)
      say({ type: 'run', id: 5 })
      say('not even an object')
    },
    [
      Object.fromEntries(Object.entries(refused).map(([id, [message]]) => [id, message])),
      runOf('too long', { kind: 'text' }),
      runOf('too large', { kind: 'picture' }),
    ] as const,
  )
  await page.evaluate(
    (message) => {
      const { ports } = globalThis as unknown as { ports: Record<string, MessagePort> }
      ports.port?.postMessage(message)
    },
    runOf('right', right),
  )
  const byId = async () => Object.fromEntries((await answers(page, 'port')).map(({ id, value }) => [id, value]))
  await expect.poll(async () => (await byId()).right).toMatchObject({ values: [{ answer: { label: 'es' } }] })
  const errors = await byId()
  expect(errors.first).toMatchObject({ values: [{ answer: { label: 'es' } }] })
  for (const [id, [, code]] of [
    ...Object.entries(refused),
    ['too long', [{}, 'input-type']],
    ['too large', [{}, 'input-type']],
  ] as const) {
    // A page of another origin hears no more than this: no stack, no context.
    expect(errors[id], id).toEqual({ error: { code, message: expect.any(String) } })
  }
})

test('a page can’t pass for another one, nor be shown the frame where the operator does not allow it', async ({
  page,
}) => {
  // An allowed site that shows a frame made for another page: it is its parent, of a wrong origin.
  await page.goto(site.show('/passing', { body: '' }))
  await openFrame(page, 'https://shop.example')
  await knock(page, 'passing', connect)
  const frame = page.frames().find((each) => each.url().includes('widget-frame'))
  // The frame has had the message, and a turn after it.
  await frame?.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
  await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)))
  expect(await told(page, 'passing')).toEqual([])

  // A site that is not named by `--embed-on`, look-alikes included.
  const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'))
  await page.goto(`${site.strangerOrigin}/passing`)
  await page.evaluate(
    (src) => {
      const shown = document.createElement('iframe')
      shown.src = src
      document.body.append(shown)
    },
    `${site.host}/widget-frame.html#${encodeURIComponent(site.strangerOrigin)}`,
  )
  expect((await refused).text()).toContain(site.origin)
})

test('the page believes its own frame only', async ({ page }) => {
  let letGo = () => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  await page.route(
    '**/widget-frame.html*',
    async (route) => {
      await held
      await route.continue()
    },
    { times: 1 },
  )
  site.show('/impostor', {
    body: `<script>
      parent.postMessage({ type: 'hither-hello', version: 2 }, '*')
      addEventListener('message', ({ data }) => parent.postMessage({ got: data }, '*'))
    </script>`,
  })
  await page.goto(
    site.show('/widget', {
      body: `${site.script}<hither-widget task="languages" privacy="edge-only"></hither-widget>`,
    }),
  )
  await page.evaluate(() => {
    const heard: unknown[] = []
    Object.assign(globalThis, { heard })
    addEventListener('message', ({ data, ports }) => heard.push({ data, ports: ports.length }))
  })
  const widget = page.locator('hither-widget')
  await widget.locator('textarea').fill(sentence)
  await expect(page.locator('iframe[src*="widget-frame"]')).toHaveCount(1)
  // The frame's page has not come. Meanwhile others say hello: the page itself, a frame of its origin, one of another
  // origin, and another frame of the host.
  await page.evaluate(
    ([stranger, host]) => {
      postMessage({ type: 'hither-hello', version: 2 }, '*')
      for (const src of ['/impostor', `${stranger}/impostor`, `${host}/widget-frame.html`]) {
        const frame = document.createElement('iframe')
        frame.src = src
        document.body.append(frame)
      }
    },
    [site.strangerOrigin, site.host] as const,
  )
  const heard = () => page.evaluate(() => (globalThis as unknown as { heard: unknown[] }).heard)
  const hellos = async () => (await heard()).filter((each) => JSON.stringify(each).includes('hither-hello')).length
  await expect.poll(hellos).toBe(4)
  letGo()
  await expect(widget.locator('hither-ranking')).toContainText('Spanish')
  expect(JSON.stringify(await heard())).not.toContain('hither-connect')
})
