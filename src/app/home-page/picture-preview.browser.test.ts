import { expect, test } from 'vitest'
import { previewAfter } from './picture-preview.ts'

async function file(width: number, height: number): Promise<File> {
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext('2d')
  return new File([await canvas.convertToBlob()], 'a.png')
}

const answered = Promise.resolve(undefined)

test.each([
  { given: [400, 100], side: 200, enlarge: false, shown: [200, 50] },
  { given: [30, 60], side: 200, enlarge: false, shown: [30, 60] },
  { given: [30, 60], side: 200, enlarge: true, shown: [100, 200] },
] as const)('$given is shown as $shown', async ({ given: [width, height], side, enlarge, shown }) => {
  const preview = await previewAfter(answered, await file(width, height), { side, enlarge })
  expect([preview?.width, preview?.height]).toEqual(shown)
})

test('a picture that was refused is not decoded for its preview either', async () => {
  const refused = Promise.resolve({ message: 'It is too large.', code: 'picture-too-large' })
  expect(await previewAfter(refused, await file(8, 8), { side: 8 })).toBeUndefined()
})

test('a picture whose run failed for another reason is shown', async () => {
  const failed = Promise.resolve({ message: 'There is no network.', code: 'no-arm' })
  expect(await previewAfter(failed, await file(8, 8), { side: 8 })).toBeDefined()
})

test('nothing is shown of a file that is no picture', async () => {
  expect(await previewAfter(answered, new File(['text'], 'a.png'), { side: 8 })).toBeUndefined()
})
