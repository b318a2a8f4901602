import { expect, it } from 'vitest'
import type { Prompt } from '../../../generation/writer/write-request.ts'
import { logNormal } from '../../../utils/log-normal.ts'
import { noAnswer } from '../answer/answer-state.ts'
import type { TextArmPlace } from '../routing/text-places.ts'
import { findReceivers } from './receivers.ts'

const edge: TextArmPlace = {
  ref: { arm: 'edge' },
  at: { arm: 'edge', model: 'm', backend: 'wasm' },
  isOther: false,
  isSameTokenizer: true,
  mayWrite: true,
  isReady: true,
  contextTokens: 100,
}
const cloud = (endpoint: string, changes: Partial<TextArmPlace> = {}): TextArmPlace => ({
  ref: { arm: 'cloud', endpoint },
  at: { arm: 'cloud', model: 'm', endpoint },
  isOther: false,
  isSameTokenizer: false,
  mayWrite: true,
  isReady: true,
  facts: {
    model: 'm',
    kind: 'unknown',
    ways: [{ way: 'continue-final-message', trims: false, losesBlanks: false, echoes: false }],
    waysKnown: 'probed',
  },
  ...changes,
})
const chat: Prompt = { messages: [{ role: 'user', content: 'Hello' }] }
const written = (text: string) => ({ ...noAnswer(), ids: undefined, tokens: 5, text })

const names = (changes: Partial<Parameters<typeof findReceivers>[0]> = {}) =>
  findReceivers({
    state: written('It is a'),
    prompt: chat,
    writer: { arm: 'edge' },
    handover: 'same-model',
    mayRestart: false,
    places: [edge, cloud('slow'), cloud('fast')],
    allows: () => true,
    online: true,
    forecast: ({ ref }) => ({
      firstToken: logNormal(ref.endpoint === 'slow' ? 900 : 90, 0.1),
      token: logNormal(10, 0.1),
      isMeasured: true,
    }),
    promptTokens: 10,
    ...changes,
  }).map(({ ref, isRestart }) => `${ref.endpoint ?? ref.arm}${isRestart ? ' anew' : ''}`)

it('the arm whose next token is predicted first comes first; the one that writes is none', () => {
  expect(names()).toEqual(['fast', 'slow'])
  expect(names({ writer: { arm: 'cloud', endpoint: 'slow' } })).toEqual(['edge', 'fast'])
})

it('never within what a model thinks, nor within a call that it asks for', () => {
  expect(names({ state: written('<think>Let me see') })).toEqual([])
  expect(names({ state: written('<think>Let me see</think>It is') })).toEqual(['fast', 'slow'])
  const opened = (text: string) => ({ ...written(text), promptText: '<|user|>What is <think>?<|assistant|><think>\n' })
  expect(names({ state: opened('Let me see') })).toEqual([])
  expect(names({ state: opened('Let me see</think>It is') })).toEqual(['fast', 'slow'])
  // Who asks about the mark has not opened it.
  const asked = { ...written('It is'), promptText: '<|user|>What is <think>?<|assistant|>' }
  expect(names({ state: asked })).toEqual(['fast', 'slow'])
  const prompt = { ...chat, tools: [{ name: 'look_up' }] }
  expect(names({ prompt, state: written('Yes. <tool_call>{"name"') })).toEqual([])
  expect(names({ prompt, state: written(' {"name": "look') })).toEqual([])
  expect(names({ prompt, state: written('Yes {') })).toEqual(['fast', 'slow'])
  // Text with braces is no call where there is nothing to call.
  expect(names({ state: written('{"a": 1') })).toEqual(['fast', 'slow'])
})

it('handover never, and another model', () => {
  expect(names({ handover: 'never' })).toEqual([])
  const places = [edge, cloud('other', { isOther: true }), cloud('same')]
  expect(names({ places })).toEqual(['same'])
  expect(names({ places, handover: 'any' })).toEqual(['other', 'same'])
})

it('who goes on in no way begins anew, last of all, and only where that is allowed', () => {
  const facts = { model: 'm', kind: 'openai', ways: [], waysKnown: 'assumed' } as const
  const places = [edge, cloud('mute', { facts }), cloud('unknown', { facts: undefined }), cloud('slow')]
  expect(names({ places })).toEqual(['slow'])
  expect(names({ places, mayRestart: true })).toEqual(['slow', 'mute anew', 'unknown anew'])
  // Nothing was written: nothing is lost.
  expect(names({ places, state: noAnswer() })).toEqual(['mute', 'unknown', 'slow'])
})

it('an arm that is set aside comes last; none that is out of reach, without the model, or whose context is full', () => {
  // Better one that has failed than nobody.
  expect(names({ allows: ({ endpoint }) => endpoint !== 'fast' })).toEqual(['slow', 'fast'])
  expect(names({ online: false })).toEqual([])
  expect(names({ places: [edge, cloud('fast', { mayWrite: false }), cloud('slow', { contextTokens: 15 })] })).toEqual(
    [],
  )
})
