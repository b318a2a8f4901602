import { afterEach, expect, test } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import './sample-pictures.ts'

afterEach(() => document.body.replaceChildren())

test.each([
  ['digits', 10, 'sample-4', 'samples/digits/4.png'],
  ['faces', 2, 'sample-photographer', 'samples/faces/photographer.jpg'],
  ['things', 2, 'sample-cat', 'samples/things/cat.jpg'],
])('%s: %d pictures, and the one that is picked is given', async (folder, count, name, path) => {
  const element = Object.assign(document.createElement('sample-pictures'), { folder })
  const picked: HTMLImageElement[] = []
  element.addEventListener('sample', (event) => picked.push((event as CustomEvent<HTMLImageElement>).detail))
  document.body.append(element)
  await element.updateComplete
  expect(element.renderRoot.querySelectorAll('button')).toHaveLength(count)
  await userEvent.click(page.getByTestId(name))
  expect(picked.map(({ src }) => src)).toEqual([new URL(path, document.baseURI).href])
})
