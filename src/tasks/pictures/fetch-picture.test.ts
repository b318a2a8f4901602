import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { fetchPicture } from './fetch-picture.ts'

const whole = new Uint8Array(1_000).fill(7)
let answers: Response[]
const asked: string[] = []

beforeEach(() => {
  asked.length = 0
  vi.stubGlobal('location', new URL('https://site.test/page/'))
  vi.stubGlobal('fetch', async (url: URL) => {
    asked.push(url.href)
    return answers.shift() ?? Response.error()
  })
})
afterEach(() => vi.unstubAllGlobals())

const answer = (bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string>) => new Response(bytes, { headers })
const length = { 'Content-Length': '1000' }

test('a picture that was cut, and ended as if it were whole, is fetched again', async () => {
  answers = [answer(whole.slice(0, 400), length), answer(whole, length)]
  expect((await fetchPicture('a.png')).size).toBe(1_000)
  expect(asked).toEqual(['https://site.test/page/a.png', 'https://site.test/page/a.png'])
})

test('one that is cut again is refused', async () => {
  answers = [answer(whole.slice(0, 400), length), answer(whole.slice(0, 400), length), answer(whole, length)]
  await expect(fetchPicture('a.png')).rejects.toMatchObject({
    code: 'picture-unreadable',
    message: expect.stringContaining('Only a part'),
  })
  expect(asked).toHaveLength(2)
})

test('the length of a compressed body says nothing of what is read; no length, nothing to compare', async () => {
  answers = [answer(whole, { 'Content-Length': '321', 'Content-Encoding': 'gzip' }), answer(whole, {})]
  expect((await fetchPicture('a.png')).size).toBe(1_000)
  expect((await fetchPicture('a.png')).size).toBe(1_000)
  expect(asked).toHaveLength(2)
})

test('a length over the limit is refused before the body is read', async () => {
  answers = [answer(whole, { 'Content-Length': '60000000' })]
  await expect(fetchPicture('a.png')).rejects.toMatchObject({ code: 'picture-too-large' })
})

test('an error page is no picture', async () => {
  answers = [new Response('no', { status: 404 }), answer(whole, { 'Content-Type': 'text/html' })]
  await expect(fetchPicture('a.png')).rejects.toMatchObject({ code: 'picture-unreadable' })
  await expect(fetchPicture('a.png')).rejects.toMatchObject({ code: 'picture-unreadable' })
  expect(asked).toHaveLength(2)
})
