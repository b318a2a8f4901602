import { render } from 'lit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { problemSentence } from '../../ui/texts/problem-sentence.ts'
import { runProblem } from '../home-page/run-problem.ts'
import { speak } from './language.ts'
import { errors } from './zh-hans-names.ts'

const place = document.createElement('div')
beforeEach(() => document.body.replaceChildren(place))
afterEach(async () => {
  render('', place)
  await speak('en')
})

const shown = (content: unknown): string => {
  render(content, place)
  return (place.textContent ?? '').replace(/\s+/g, ' ').trim()
}
const weights = {
  code: 'onnx-unreadable',
  message: 'Its weights lie in outside-plain.bin. Give that file together with it.',
}

describe('what went wrong, in Chinese', () => {
  beforeEach(() => speak('zh-Hans'))

  it('keeps what the library knows of this very case', () => {
    const text = shown(problemSentence(weights))
    expect(text).toBe(`${errors['onnx-unreadable']} ${weights.message}`)
    expect(place.querySelector('[lang="en"]')?.textContent).toBe(weights.message)
  })

  it('says for no code what is true of one of its sentences only', () => {
    // Each of these codes has a sentence for which its former translation was false.
    const stated = (code: keyof typeof errors) => errors[code]
    expect(stated('onnx-unreadable')).not.toContain('不是')
    expect(stated('picture-empty')).not.toContain('画')
    // Two models at once are no options, and a message that could not be read has ended nothing.
    expect(stated('options-invalid')).not.toMatch(/^这些选项/)
    expect(stated('worker-unavailable')).not.toMatch(/结束|启动|获取/)
    for (const code of ['download-failed', 'catalog-unavailable', 'picture-unreadable'] as const) {
      expect(stated(code)).not.toMatch(/网络|PNG/)
    }
  })

  it('says once what its translation says as a whole', () => {
    expect(shown(problemSentence({ code: 'text-empty', message: 'There is no text here yet.' }))).toBe(
      errors['text-empty'],
    )
  })

  it('shows a sentence without a code, or with one that it does not know, as it is', () => {
    expect(shown(problemSentence({ message: 'Odd.' }))).toBe('Odd.')
    expect(shown(problemSentence({ code: 'of-tomorrow', message: 'New.' }))).toBe('New.')
  })

  it('shows the endpoint’s own words once', () => {
    const reason = 'queue is full'
    const problem = { code: 'cloud-overloaded', message: `The endpoint is too busy right now: ${reason}.`, reason }
    const run = { state: { problem, canWait: false, status: 'error' as const }, cancel() {}, waitInLine() {} }
    const text = shown(runProblem(run))
    expect(text).toContain(errors['cloud-overloaded'])
    expect(text.split(reason)).toHaveLength(2)
  })
})

it('in English, the library’s sentence is shown once', async () => {
  await speak('en')
  expect(shown(problemSentence(weights))).toBe(weights.message)
  expect(place.querySelector('[lang]')).toBeNull()
})
