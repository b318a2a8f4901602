import { afterAll, expect, test } from 'vitest'

/** The page's own modules, loaded in a frame that has no address of its own. */
async function openFrame(): Promise<HTMLIFrameElement> {
  const frame = document.createElement('iframe')
  frame.srcdoc = `<!doctype html><script type="module">
    import { toClientSettings } from '${new URL('./client-settings.ts', import.meta.url).href}'
    import { baseAddress, ownOrigin } from '${new URL('../../utils/page-address.ts', import.meta.url).href}'
    import { fetchPicture } from '${new URL('../../tasks/pictures/fetch-picture.ts', import.meta.url).href}'
    Object.assign(globalThis, { toClientSettings, baseAddress, ownOrigin, fetchPicture })
    parent.postMessage('ready', '*')
  </script>`
  const ready = new Promise((resolve) => addEventListener('message', ({ data }) => data === 'ready' && resolve(data)))
  document.body.append(frame)
  await ready
  return frame
}
const frame = await openFrame()
afterAll(() => frame.remove())
const inside = frame.contentWindow as Window &
  typeof globalThis &
  typeof import('./client-settings.ts') &
  typeof import('../../utils/page-address.ts') &
  typeof import('../../tasks/pictures/fetch-picture.ts')

test('in a srcdoc frame, addresses are relative to the base of its document', () => {
  expect(inside.location.href).toBe('about:srcdoc')
  const { catalogUrl, reportUrl } = inside.toClientSettings({ endpoint: { url: '/infer' } })
  expect(catalogUrl).toBe(new URL('/models/catalog.json', document.baseURI).href)
  expect(reportUrl).toBe(new URL('/infer', document.baseURI).href)
  expect(inside.toClientSettings({ catalog: 'beside.json' }).catalogUrl).toBe(
    new URL('beside.json', document.baseURI).href,
  )
})

test('its origin is its parent’s, so pictures of that origin are fetched and others are not', async () => {
  expect(inside.ownOrigin()).toBe(location.origin)
  await expect(inside.fetchPicture('/samples/no-such-picture.png')).rejects.toMatchObject({
    message: expect.stringMatching(/answered|no picture at/),
  })
  await expect(inside.fetchPicture('https://elsewhere.test/a.png')).rejects.toThrow('own site only')
})

test('a base element counts, as it does for the page’s own fetch', () => {
  const base = document.createElement('base')
  base.href = '/deep/er/'
  document.head.append(base)
  const before = inside.baseAddress()
  inside.document.head.append(inside.document.importNode(base, true))
  expect(before).not.toBe(inside.baseAddress())
  expect(inside.toClientSettings({ catalog: 'c.json' }).catalogUrl).toBe(`${location.origin}/deep/er/c.json`)
  base.remove()
})
