import fc from 'fast-check'
import { expect, it } from 'vitest'
import { answerOfIds } from '../../generation/handover/answer-of-ids.ts'
import { createStopStrings } from '../../generation/text/stop-strings.ts'
import { answerAs, textBehaviours } from '../../testing/text-servers/behaviours.ts'
import { createRecital, renderChat, splitAnswer } from '../../testing/text-servers/recital.ts'
import { createAnswerIntake } from './answer-intake.ts'
import { planGoOn } from './plan-go-on.ts'
import type { CloudWriteRequest, GoOn, TextModelFacts } from './text-server.ts'
import { toWireRequest } from './to-wire-request.ts'

const recital = createRecital()
const plain = { trims: false, losesBlanks: false, echoes: false }
type Facts = Pick<TextModelFacts, 'kind' | 'ways'>

/** Each behaviour as its probe finds it. */
const servers: readonly (readonly [keyof typeof textBehaviours, Facts])[] = [
  ['byIds', { kind: 'vllm', ways: [{ ...plain, way: 'token-ids' }] }],
  ['hither', { kind: 'hither', ways: [{ ...plain, way: 'token-ids' }] }],
  ['byText', { kind: 'unknown', ways: [{ ...plain, way: 'text' }] }],
  ['continues', { kind: 'unknown', ways: [{ ...plain, way: 'continue-final-message' }] }],
  ['trailing', { kind: 'llama.cpp', ways: [{ ...plain, way: 'trailing-message', trims: true }] }],
  [
    'losesBlanks',
    { kind: 'transformers', ways: [{ ...plain, way: 'continue-final-message', trims: true, losesBlanks: true }] },
  ],
  ['echoes', { kind: 'mistral', ways: [{ ...plain, way: 'prefix', trims: true, echoes: true }] }],
]

/** A text up to the first stop string that is complete. */
function untilStop(text: string, stops: readonly string[]): string {
  for (let end = 1; end <= text.length; end += 1) {
    const starts = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => end - stop.length)
    if (starts.length > 0) return text.slice(0, Math.min(...starts))
  }
  return text
}

/** Where a text may be cut: not within a pair of surrogates. */
const toCut = (text: string, share: number): number => {
  const at = Math.floor(share * (text.length + 1))
  return /[\udc00-\udfff]/.test(text[at] ?? '') ? at - 1 : at
}

const cases = fc.record({
  server: fc.constantFrom(...servers),
  about: fc.integer({ min: 0, max: 5_000 }),
  cut: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  byText: fc.boolean(),
  stop: fc.option(
    fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      length: fc.integer({ min: 1, max: 8 }),
    }),
  ),
  more: fc.constantFrom<readonly string[]>([], [' END', '</s>'], ['\n\n']),
  perEvent: fc.integer({ min: 1, max: 5 }),
  short: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
})

it('10,000 answers that are cut anywhere go on as if undisturbed, on each kind of server (case 59)', () => {
  const told = new Map<string, number>()
  fc.assert(
    fc.property(cases, ({ server: [name, facts], about, cut, byText, stop, more, perEvent, short }) => {
      const behaviour = textBehaviours[name]
      const messages = [{ role: 'user' as const, content: `Tell of ${about}` }]
      const promptText = renderChat(messages)
      const text = recital.answer(splitAnswer(promptText).prompt)
      const from = stop === null ? 0 : toCut(text, stop.at)
      const own = stop === null ? '' : text.slice(from, from + stop.length)
      const stops = [...more, ...(own === '' || /[\ud800-\udfff]/.test(own) ? [] : [own])]
      const prompt = recital.encode(promptText)
      const all = recital.encode(text)

      const isByIds = name === 'byIds' || name === 'hither'
      let goOn: GoOn
      if (isByIds || !byText) {
        const answer = all.slice(0, Math.floor(cut * (all.length + 1)))
        const known = answerOfIds({ prompt, answer, stops }, recital.decode)
        if (createStopped(recital.decode(answer.slice(0, known.whole)), stops)) return
        goOn = { ...known, promptText, ...(isByIds ? { ids: { prompt, answer, whole: known.whole } } : {}) }
      } else {
        const begun = text.slice(0, toCut(text, cut))
        const strings = createStopStrings(stops)
        const shown = strings.push(begun)
        if (strings.found !== undefined) return
        goOn = { shown, held: strings.held, tokens: recital.encode(begun).length, promptText }
      }
      // Only ids can be counted to the very token.
      const limit =
        isByIds && short !== null ? Math.max(goOn.tokens + 1, Math.ceil(short * all.length)) : all.length + 1_000
      const request: CloudWriteRequest = {
        model: 'teller',
        prompt: { messages },
        sampling: { temperature: 0 },
        stops,
        maxTokens: limit,
        goOn,
      }
      const plan = planGoOn(goOn, request.prompt, facts)
      if (plan === undefined) throw new Error('there is no way')
      const { path, body } = toWireRequest(request, facts.kind, plan)
      const answer = answerAs(behaviour, path, body, recital)
      if (!('tokens' in answer)) throw new Error(`refused: ${JSON.stringify(answer)}`)

      let added = ''
      const ids: number[] = []
      const intake = createAnswerIntake(request, plan, (part) => {
        if (part.type !== 'text') return
        added += part.text
        ids.push(...(part.ids ?? []))
      })
      const events = Array.from({ length: Math.ceil(answer.tokens.length / perEvent) }, (_, index) =>
        answer.tokens.slice(index * perEvent, (index + 1) * perEvent),
      )
      events.some((tokens) =>
        intake.take({
          text: tokens.map((token) => token.text).join(''),
          reasoning: '',
          toolCalls: [],
          ...(isByIds ? { ids: tokens.map(({ id }) => id) } : {}),
        }),
      )
      intake.end()

      const isShort = limit < all.length
      // The last character of an answer that ends by its limit may be half.
      const expected = untilStop(isShort ? recital.decode(all.slice(0, limit)).replace(/\ufffd$/, '') : text, stops)
      expect((goOn.shown + added).replace(isShort ? /\ufffd$/ : /^$/, '')).toBe(expected)
      if (isByIds && stops.length === 0 && goOn.ids !== undefined) {
        expect([...goOn.ids.answer, ...ids]).toEqual(all.slice(0, limit))
      }
      told.set(name, (told.get(name) ?? 0) + 1)
    }),
    // Shrinking takes longer than all of the runs.
    { numRuns: 10_000, endOnFailure: true },
  )
  for (const [name] of servers) expect(told.get(name)).toBeGreaterThan(500)
}, 600_000)

const createStopped = (text: string, stops: readonly string[]) => stops.some((stop) => text.includes(stop))

it('the fakes notice a character too few or too many', () => {
  const text = recital.answer('x')
  const at = text.indexOf(' ', 5)
  expect(recital.decode(recital.rest('x', text.slice(0, at)))).toBe(text.slice(at))
  expect(recital.decode(recital.rest('x', `${text.slice(0, at)}!!`))).toContain('lost')
})
