import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CuttingProxy, openCuttingProxy } from '../../testing/cutting-proxy.ts'
import { type NodeEdge, openNodeEdge } from '../../testing/node-edge.ts'
import { hasStoriesModel, storiesWriter } from '../../testing/stories-model.ts'
import { openTextWriterFixture, type TextWriterFixture } from '../../testing/text-writer-fixture.ts'
import { openWritingFixture, type WritingFixture } from '../../testing/writing-fixture.ts'

const prompt = { text: 'Once upon a time there was a little' }
const maxTokens = 60

/** The same weights on both sides: this device's loop here, our endpoint's behind a socket. */
describe.skipIf(!hasStoriesModel)('this device and our endpoint, one real model', () => {
  let folder: WritingFixture
  let device: NodeEdge
  let proxy: CuttingProxy
  let fixture: TextWriterFixture
  let undisturbed: string
  const edge = { arm: 'edge' } as const
  let cloud: { readonly arm: 'cloud'; readonly endpoint: string }

  beforeAll(async () => {
    const model = await storiesWriter()
    folder = await openWritingFixture([model])
    const endpoint = await folder.open()
    const { port } = await endpoint.listen({ port: 0, host: '127.0.0.1' })
    proxy = await openCuttingProxy(`http://127.0.0.1:${port}`)
    device = await openNodeEdge(model.manifest, model.files)
    fixture = openTextWriterFixture({
      edge: device.edge,
      manifest: model.manifest,
      endpoints: [{ url: proxy.url }],
    })
    cloud = { arm: 'cloud', endpoint: proxy.url }
    const { end, shown } = await fixture.conduct(prompt, edge, { privacy: 'edge-only', request: { maxTokens } })
    await end
    undisturbed = shown()
    expect(undisturbed.length).toBeGreaterThan(60)
  })
  afterAll(async () => {
    await proxy?.close()
    await folder?.close()
    await device?.close()
  })

  it('both sides write the same, undisturbed', async () => {
    const { end, shown } = await fixture.conduct(prompt, cloud, { request: { maxTokens } })
    await end
    expect(shown()).toBe(undisturbed)
  })

  it.each([1, 2, 7, 18, 31, 44, 59])(
    'the worker dies after %i tokens: the endpoint goes on, by ids (case 54)',
    async (at) => {
      device.dieAfter(at)
      const { end, shown, parts, state } = await fixture.conduct(prompt, edge, {
        fallbacks: [cloud],
        request: { maxTokens },
      })
      await end
      expect(shown()).toBe(undisturbed)
      expect(parts.filter(({ type }) => type === 'moved')).toMatchObject([{ from: 'edge', to: 'cloud', atToken: at }])
      expect(state.tokens).toBe(maxTokens)
      expect(state.ids).toHaveLength(maxTokens)
    },
  )

  it.each([1, 2, 7, 18, 31, 44])('the socket is cut at event %i: this device goes on, by ids (case 55)', async (at) => {
    proxy.cutAfter(at)
    const { end, shown, parts, state } = await fixture.conduct(prompt, cloud, {
      fallbacks: [edge],
      request: { maxTokens },
    })
    await end
    expect(shown()).toBe(undisturbed)
    expect(parts.filter(({ type }) => type === 'moved').length).toBeLessThanOrEqual(1)
    expect(state.tokens).toBe(maxTokens)
  })

  it.each([3, 20, 41])('an answer that is known as text only is gone on with here: at token %i', async (at) => {
    device.dieAfter(at)
    const first = await fixture.conduct(prompt, edge, {
      privacy: 'edge-only',
      handover: 'never',
      request: { maxTokens: at },
    })
    await first.end
    const { text, held, tokens } = first.state
    const state = { ids: undefined, whole: 0, tokens, text, held, droppedMessages: 0 }
    const rest = await fixture.conduct(prompt, edge, { privacy: 'edge-only', state, request: { maxTokens } })
    await rest.end
    expect(text + rest.shown()).toBe(undisturbed)
  })
})
