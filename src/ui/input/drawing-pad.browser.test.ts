import { afterEach, expect, test } from 'vitest'
import './drawing-pad.ts'

afterEach(() => document.body.replaceChildren())

test('an empty pad that is read is paper, not nothing', async () => {
  const pad = document.createElement('hither-pad')
  pad.style.setProperty('--pad-paper', '#fff')
  document.body.append(pad)
  await pad.updateComplete
  // Its size is known once it was laid out.
  await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
  const { canvas } = pad
  const middle = canvas.getContext('2d')?.getImageData(canvas.width >> 1, canvas.height >> 1, 1, 1).data
  expect([...(middle ?? [])]).toEqual([255, 255, 255, 255])
})
