import { openTextServer } from '../../src/cloud/text/open-text-server.ts'
import type { CloudWriteRequest } from '../../src/cloud/text/text-server.ts'
import { CloudError } from '../../src/errors/cloud-error.ts'
import { greedy } from '../../src/generation/sampling/sampling.ts'
import type { Outcome } from '../checks.ts'
import { written } from './compare-writers.ts'
import { openHandOver } from './handover-checks.ts'
import { must, runAll } from './must.ts'
import type { Smollm2Text } from './smollm2-text.ts'

const tokens = 16

/**
 * Our client's cloud arm against a server of OpenAI's API, or a gateway before one, with SmolLM2.
 *
 * @param server.url the server's, or the gateway's
 * @param ours our endpoint, with the same weights: the two hand answers over to each other
 */
export async function checkTextServer(
  { url, model }: { readonly url: string; readonly model: string },
  ours: { readonly url: string; readonly model: string },
  text: Smollm2Text,
): Promise<readonly Outcome[]> {
  const server = openTextServer({ url })
  const request: CloudWriteRequest = {
    model,
    prompt: { messages: [{ role: 'user', content: 'Write one sentence about the sea.' }] },
    sampling: greedy,
    stops: [],
    maxTokens: tokens,
  }
  const handOver = openHandOver({
    ours: { server: openTextServer({ url: ours.url }), ...ours },
    theirs: { server, model },
    text,
  })
  return runAll({
    async 'what it says of itself'() {
      const { kind: found, waysKnown } = await openTextServer({ url, probe: false }).describe(model)
      return found === 'unknown' ? 'unknown: its kind must be named' : `${found} (${waysKnown})`
    },
    async description() {
      const { kind, ways, waysKnown, contextTokens } = await server.describe(model)
      const goesOn = ways.length === 0 ? 'goes on in no way' : `goes on by ${ways.map(({ way }) => way).join(', ')}`
      return `${kind}, ${goesOn} (${waysKnown})${contextTokens === undefined ? '' : `, context ${contextTokens}`}`
    },
    async stream() {
      const { parts, text: answer, tokens: count, end } = await written(server, request)
      must(parts.length > 4 && answer.trim().length > 10, parts)
      // A server that does not count sends an event for each token, or for some of them.
      must(count > tokens / 2 && count <= tokens && end.reason === 'length', { count, end })
      return `${parts.length} pieces, ${end.usage === undefined ? 'no usage' : `usage ${end.usage.answerTokens} tokens`}`
    },
    async 'text completed'() {
      const { text: answer, end } = await written(server, { ...request, prompt: { text: 'Once upon a time' } })
      must(answer.length > 10, { answer, end })
      return `${answer.trim().split(/\s+/).length} words`
    },
    async 'stop strings'() {
      const { text: whole } = await written(server, request)
      const stop = ` ${whole.trim().split(' ').slice(3, 5).join(' ')}`
      const { text: answer, end } = await written(server, { ...request, stops: [stop] })
      must(answer === whole.slice(0, whole.indexOf(stop)) && end.reason === 'stop', [answer, whole, end])
      return 'ends before it'
    },
    async 'unknown model'() {
      const error: unknown = await server.describe('nobody').catch((cause: unknown) => cause)
      must(error instanceof Error && 'code' in error && error.code === 'cloud-model-missing', String(error))
      return error.code
    },
    async 'prompt too long'() {
      const long = { messages: [{ role: 'user' as const, content: 'word '.repeat(20_000) }] }
      const error: unknown = await written(server, { ...request, prompt: long }).catch((cause: unknown) => cause)
      // Some have begun to answer by then, and break off.
      must(error instanceof CloudError, error)
      return error.context.cutOff === true ? `${error.code}, cut off` : error.code
    },
    async abort() {
      const controller = new AbortController()
      const reason = new Error('enough')
      const onText = (parts: number) => {
        if (parts === 4) controller.abort(reason)
      }
      const long = { ...request, maxTokens: 1_500 }
      const caught: unknown = await written(server, long, { signal: controller.signal, onText }).catch(
        (error: unknown) => error,
      )
      must(caught === reason, String(caught))
      const startMs = performance.now()
      must((await written(server, { ...request, maxTokens: 4 })).text !== '', 'no answer afterwards')
      return `ended; the next answer of 4 tokens took ${((performance.now() - startMs) / 1000).toFixed(1)} s`
    },
    'same text as our endpoint': handOver.undisturbed,
    'hand-over from our endpoint': handOver.toTheirs,
    'hand-over to our endpoint': handOver.toOurs,
  })
}
