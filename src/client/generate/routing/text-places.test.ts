import { afterEach, describe, expect, it } from 'vitest'
import { textBehaviours } from '../../../testing/text-servers/behaviours.ts'
import { type FakeTextServer, openFakeTextServer } from '../../../testing/text-servers/fake-text-server.ts'
import { teller } from '../../../testing/text-writer-fixture.ts'
import { openCloudText } from './text-places.ts'

const opened: FakeTextServer[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await server.close()
})

const noIds = async () => undefined
async function open() {
  const server = await openFakeTextServer({ behaviour: textBehaviours.continues })
  opened.push(server)
  const clock = { ms: 0 }
  const cloud = openCloudText({ url: server.url, kind: 'openai' }, undefined, () => clock.ms)
  const lists = () => server.paths.filter((path) => path.endsWith('/models')).length
  return { server, clock, cloud, lists }
}

describe('a text server that is asked anew', { timeout: 50_000 }, () => {
  it('lists its models again, and is not probed again', async () => {
    const { server, clock, cloud, lists } = await open()
    await cloud.refresh(teller, noIds)
    expect(cloud.has(teller)).toBe(true)
    const [listed, asked] = [lists(), server.asked.length]
    await cloud.refresh(teller, noIds)
    expect(lists()).toBe(listed)
    await cloud.refresh(teller, noIds, { anew: true })
    expect(lists()).toBe(listed + 1)
    // Not at every key that is pressed.
    await cloud.refresh(teller, noIds, { anew: true })
    expect(lists()).toBe(listed + 1)
    clock.ms += 6_000
    await cloud.refresh(teller, noIds, { anew: true })
    expect(lists()).toBe(listed + 2)
    expect(server.asked.length).toBe(asked)
    expect(cloud.has(teller)).toBe(true)
  })

  it('is known to do nothing once it has gone', async () => {
    const { server, cloud } = await open()
    await cloud.refresh(teller, noIds)
    expect(cloud.facts(teller)?.ways).not.toEqual([])
    opened.splice(0)
    await server.close()
    await cloud.refresh(teller, noIds, { anew: true })
    expect(cloud.has(teller)).toBe('unknown')
    expect(cloud.facts(teller)).toBeUndefined()
  })

  it('of the field can’t open what is sealed', () => {
    expect(() => openCloudText({ url: 'https://llm.example', kind: 'openai', sealed: true }, undefined)).toThrow(
      expect.objectContaining({ code: 'config-invalid', message: expect.stringContaining('endpoint.sealed') }),
    )
  })

  it('refuses a price of tokens that is none', () => {
    const moneyPerToken = { promptPerMillion: 'two' } as unknown as { promptPerMillion: number }
    expect(() => openCloudText({ url: 'https://llm.example', moneyPerToken }, undefined)).toThrow(
      expect.objectContaining({
        code: 'config-invalid',
        message: expect.stringContaining('endpoint.moneyPerToken.promptPerMillion'),
      }),
    )
  })
})
