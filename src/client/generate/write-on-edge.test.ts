import { expect, test } from 'vitest'
import type { Manifest } from '../../contracts/manifest.ts'
import type { EdgeEngine } from '../../edge/edge-types.ts'
import { EdgeError } from '../../errors/edge-error.ts'
import { ModelError } from '../../errors/model-error.ts'
import { greedy } from '../../generation/sampling/sampling.ts'
import type { WriteRequest } from '../../generation/writer/write-request.ts'
import { plainManifest } from '../../testing/fake-manifest.ts'
import type { WritingPart } from '../types/generate-types.ts'
import { noAnswer, writeOnEdge } from './write-on-edge.ts'

const manifest: Manifest = plainManifest({ name: 'writer', revision: '1', files: [] })
const whole = [10, 11, 12, 13, 14, 15]
const letter = (token: number) => String.fromCharCode(97 + token - 10)
const death = () => new EdgeError('edge-crashed', 'The worker has ended.')

/** An engine that writes the same six letters, and dies after so many of them at each beginning. */
function engine(dies: readonly (number | undefined)[], makeDeath: () => Error = death) {
  const asked: WriteRequest[] = []
  const edge: Pick<EdgeEngine, 'write'> = {
    async write(_, request, { onEvents }) {
      const tokensLeft = dies[asked.length]
      asked.push(request)
      onEvents([{ type: 'prompt', ids: [1, 2, 3], droppedMessages: 1 }])
      onEvents([{ type: 'read', read: 3, of: 3, cached: request.answer.length === 0 ? 2 : 0 }])
      for (const [count, token] of whole.slice(request.answer.length).entries()) {
        if (count === tokensLeft) throw makeDeath()
        onEvents([{ type: 'text', tokens: [token], text: letter(token) }])
      }
      if (tokensLeft !== undefined) throw makeDeath()
      return { reason: 'length' }
    },
  }
  return { edge, asked }
}

async function write(dies: readonly (number | undefined)[], makeDeath?: () => Error) {
  const { edge, asked } = engine(dies, makeDeath)
  const parts: WritingPart[] = []
  const state = noAnswer()
  let prepared = 0
  const controller = new AbortController()
  const written = writeOnEdge({
    edge,
    manifest,
    request: { prompt: { text: 'abc' }, sampling: greedy, stops: [], maxTokens: 6, whenFull: 'refuse' },
    state,
    prepare: async () => {
      prepared += 1
    },
    onPart: (part) => parts.push(part),
    signal: controller.signal,
  })
  const error = await written.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('')
  return { error, asked, parts, state, text, prepared: () => prepared }
}

test('what was written when its worker died is not written again, and the rest follows', async () => {
  const { error, text, state, asked, parts, prepared } = await write([2, 3, undefined])
  expect(error).toBeUndefined()
  expect(text).toBe('abcdef')
  expect(state.answer).toEqual(whole)
  expect(prepared()).toBe(3)
  expect(asked.map(({ prompt, answer }) => [prompt, answer])).toEqual([
    [{ text: 'abc' }, []],
    [{ ids: [1, 2, 3] }, [10, 11]],
    [{ ids: [1, 2, 3] }, [10, 11, 12, 13, 14]],
  ])
  const moves = parts.filter(({ type }) => type === 'moved')
  expect(moves).toMatchObject([
    { from: 'edge', to: 'edge', reason: 'edge-crashed', atToken: 2 },
    { from: 'edge', to: 'edge', reason: 'edge-crashed', atToken: 5 },
  ])
  expect(state.moves).toHaveLength(2)
  // The first reading counts: what was known before the answer began.
  expect([state.cachedTokens, state.droppedMessages]).toEqual([2, 1])
})

test('a model that ends its worker each time before a token is given up', async () => {
  const { error, text, asked } = await write([2, 0, 0, 0, 0, undefined])
  expect(error).toMatchObject({ code: 'edge-crashed' })
  expect(text).toBe('ab')
  expect(asked).toHaveLength(3)
})

test('what the model itself does wrongly is not tried again', async () => {
  const failed = new ModelError('template-failed', 'The template is at fault.')
  const { error, asked } = await write([0, undefined], () => failed)
  expect(error).toBe(failed)
  expect(asked).toHaveLength(1)
})
