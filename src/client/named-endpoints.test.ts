import { afterEach, expect, test, vi } from 'vitest'
import { setUp, x } from '../testing/assembled-client.ts'
import type { ClientOptions } from './types/client-options.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

test.each(['first', 'last'])(
  'an endpoint that is named twice gets no inputs in the open, where it is to be sealed once: %s',
  async (place) => {
    const open = { url: 'https://a.example' }
    const sealed = { url: 'https://a.example/', sealed: { keys: async () => ({ keys: 'none' }) } }
    const asked = async (endpoint: NonNullable<ClientOptions['endpoint']>) => {
      const { client, sent } = setUp({ endpoint })
      await expect(client.run('model', { x }, { privacy: 'cloud-only' })).rejects.toThrow()
      return sent.filter((url) => url.endsWith('/infer'))
    }
    expect(await asked(place === 'first' ? [sealed, open] : [open, sealed])).toEqual([])
    expect(await asked(open)).not.toEqual([])
  },
)

test('a stock server of texts has no link: nothing of it is measured or shown, and it is asked for no run', async () => {
  const { client, sent } = setUp({ endpoint: { url: 'https://llm.example/v1', kind: 'openai' } })
  const { route } = await client.run('model', { x })
  expect(route).toMatchObject({ ran: 'edge', reason: 'no-endpoint', known: { links: [] } })
  expect(await client.explain('model')).toMatchObject({ arm: 'edge', known: { links: [] } })
  await client.measure()
  expect(client.link()).toEqual({ online: true, saveData: false, samples: 0 })
  await expect(client.run('model', { x }, { privacy: 'cloud-only' })).rejects.toMatchObject({ code: 'no-arm' })
  expect(sent).toEqual([])
})
