import { afterEach, expect, test, vi } from 'vitest'
import { page, userEvent } from 'vitest/browser'
import './stream-button.ts'

afterEach(() => {
  vi.restoreAllMocks()
  document.body.replaceChildren()
})

const camera = () => document.createElement('canvas').captureStream()

async function show(getUserMedia: () => Promise<MediaStream>) {
  vi.spyOn(navigator.mediaDevices, 'getUserMedia').mockImplementation(getUserMedia)
  const element = Object.assign(document.createElement('stream-button'), {
    name: 'camera',
    constraints: { video: true },
    startText: 'Start',
    stopText: 'Stop',
  })
  const events: string[] = []
  for (const type of ['stream', 'stream-end', 'stream-refused']) {
    element.addEventListener(type, () => events.push(type))
  }
  document.body.append(element)
  await element.updateComplete
  return { element, events, button: page.getByTestId('camera') }
}

test('starts a stream, and ends its tracks when it is pressed again', async () => {
  const stream = camera()
  const { element, events, button } = await show(async () => stream)
  await userEvent.click(button)
  await expect.element(button).toHaveAttribute('aria-pressed', 'true')
  await expect.element(button).toHaveTextContent('Stop')
  expect(element.stream).toBe(stream)
  await userEvent.click(button)
  await expect.element(button).toHaveAttribute('aria-pressed', 'false')
  expect(stream.getTracks().map(({ readyState }) => readyState)).toEqual(['ended'])
  expect(events).toEqual(['stream', 'stream-end'])
})

test('says that it was refused, and can be tried again', async () => {
  let isAllowed = false
  const { events, button } = await show(async () => {
    if (!isAllowed) throw new DOMException('no', 'NotAllowedError')
    return camera()
  })
  await userEvent.click(button)
  await expect.poll(() => events).toEqual(['stream-refused'])
  isAllowed = true
  await userEvent.click(button)
  await expect.poll(() => events).toEqual(['stream-refused', 'stream'])
})

test('asks once, however often it is pressed meanwhile', async () => {
  let allow = (_: MediaStream) => {}
  const { events, button } = await show(
    () =>
      new Promise((resolve) => {
        allow = resolve
      }),
  )
  await userEvent.click(button)
  await userEvent.click(button)
  expect(navigator.mediaDevices.getUserMedia).toHaveBeenCalledTimes(1)
  allow(camera())
  await expect.poll(() => events).toEqual(['stream'])
})

test('leaves no camera on when its page is left, not even one that starts later', async () => {
  const stream = camera()
  let allow = (_: MediaStream) => {}
  const { element, events, button } = await show(
    () =>
      new Promise((resolve) => {
        allow = resolve
      }),
  )
  await userEvent.click(button)
  element.remove()
  allow(stream)
  await expect.poll(() => stream.getTracks().map(({ readyState }) => readyState)).toEqual(['ended'])
  expect(events).toEqual([])

  const { element: running, button: again } = await show(async () => camera())
  await userEvent.click(again)
  await expect.poll(() => running.stream).toBeDefined()
  const [track] = running.stream?.getTracks() ?? []
  running.remove()
  expect(track?.readyState).toBe('ended')
})
