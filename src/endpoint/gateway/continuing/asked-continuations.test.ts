import { describe, expect, it } from 'vitest'
import { openGateway as open } from '../../../testing/text-servers/gateway-fixture.ts'
import { renderChat, splitAnswer } from '../../../testing/text-servers/recital.ts'

const user = { role: 'user', content: 'Tell of a fox' }
const patiently = { timeout: 300_000 }

/** A chat whose last message is to be gone on with. */
const goOn = (content: string, more = {}) => ({
  messages: [user, { role: 'assistant', content }],
  continue_final_message: true,
  add_generation_prompt: false,
  max_tokens: 500,
  ...more,
})

describe('a client that asks to have its last message gone on with', () => {
  it.each(['byIds', 'continues', 'trailing', 'losesBlanks', 'echoes'] as const)(
    'gets what follows it from a server that is %s, streamed or not, wherever it ends',
    patiently,
    async (name) => {
      const gateway = await open([name])
      const answer = gateway.answerTo(user.content)
      const ends = [answer.indexOf(' ', 8), answer.indexOf(' ', 8) + 1, answer.indexOf(' ', 12) + 2]
      for (const end of ends) {
        const begun = answer.slice(0, end)
        const seen = await gateway.chat(goOn(begun))
        expect([seen.text, seen.ends]).toEqual([answer.slice(end), ['stop', 'done']])
        const whole = (await (await gateway.post('chat/completions', goOn(begun))).json()) as {
          readonly choices: readonly { readonly message: { readonly content: string } }[]
        }
        expect(whole.choices[0]?.message.content).toBe(answer.slice(end))
      }
    },
  )

  it('is sent to the one that can, and refused where none can', patiently, async () => {
    const gateway = await open(['ignores', 'trailing'])
    const answer = gateway.answerTo(user.content)
    expect((await gateway.chat(goOn(answer.slice(0, 9)))).text).toBe(answer.slice(9))
    expect(gateway.servers[0]?.asked.some(({ body }) => body.stream === true)).toBe(false)

    const without = await open(['ignores', 'refuses'])
    const refused = await without.post('chat/completions', goOn('The fox'))
    expect([refused.status, await refused.json()]).toMatchObject([400, { error: { code: 'cloud-refused' } }])
  })

  it('is passed on as it is to a server of which nothing is known', patiently, async () => {
    const gateway = await open(['continues'], { probe: false })
    const answer = gateway.answerTo(user.content)
    expect((await gateway.chat(goOn(answer.slice(0, 9)))).text).toBe(answer.slice(9))
  })

  it('is passed on byte by byte where the server has the field and spoils nothing', patiently, async () => {
    const gateway = await open(['continues'])
    const body = goOn('The', { seed: 7, stream: true })
    await (await gateway.post('chat/completions', body)).text()
    expect(gateway.servers[0]?.asked.at(-1)?.body).toEqual({ model: 'teller', ...body })
  })

  it('has it gone on with elsewhere when that server dies', patiently, async () => {
    for (const [from, to] of [
      ['continues', 'trailing'],
      ['trailing', 'echoes'],
      ['losesBlanks', 'byIds'],
    ] as const) {
      const gateway = await open([from, to], { continues: true })
      const answer = gateway.answerTo(user.content)
      for (const at of [0, 1, 4]) {
        gateway.servers[0]?.fail({ kind: 'destroy', at })
        const end = answer.indexOf(' ', 8)
        const seen = await gateway.chat(goOn(answer.slice(0, end)))
        expect([seen.text, seen.ends, seen.ids.length]).toEqual([answer.slice(end), ['stop', 'done'], 1])
        gateway.engine.upstreams[0]?.state.succeeded()
      }
    }
  })

  it('gets no more tokens than it asked for', patiently, async () => {
    const gateway = await open(['trailing'])
    const { recital } = gateway.servers[0] ?? {}
    const answer = gateway.answerTo(user.content)
    const begun = recital?.decode(recital.encode(answer).slice(0, 3)) ?? ''
    const seen = await gateway.chat(goOn(begun, { max_tokens: 2 }))
    expect(recital?.encode(seen.text).length).toBeLessThanOrEqual(2)
    expect(seen.ends).toEqual(['length', 'done'])
  })
})

describe('a client that goes on by ids of ours', () => {
  const prompt = renderChat([user])

  it.each([[['hither']], [['byText', 'hither']], [['byText', 'byIds']]] as const)(
    'is answered by one that takes them, of %j',
    patiently,
    async (names) => {
      const gateway = await open(names)
      const { recital } = gateway.servers[0] ?? {}
      if (recital === undefined) throw new Error('there is no server')
      const ids = recital.encode(recital.answer(splitAnswer(prompt).prompt))
      for (const count of [1, 4, 7]) {
        const asked = { prompt: [...recital.encode(prompt), ...ids.slice(0, count)], hither_answer_tokens: count }
        const seen = await gateway.complete({ ...asked, max_tokens: 10 })
        expect(seen.text).toBe(recital.decode(ids.slice(count, 10)).replace(/\ufffd$/, ''))
      }
    },
  )

  it('is refused where none takes them', patiently, async () => {
    const gateway = await open(['byText'])
    const response = await gateway.post('completions', { prompt: [1, 2, 3], hither_answer_tokens: 1, max_tokens: 3 })
    expect(response.status).toBe(400)
  })

  it('has its answer gone on with elsewhere', patiently, async () => {
    const gateway = await open(['hither', 'hither'])
    const { recital } = gateway.servers[0] ?? {}
    if (recital === undefined) throw new Error('there is no server')
    const all = recital.encode(recital.answer(splitAnswer(prompt).prompt))
    gateway.servers[0]?.fail({ kind: 'destroy', at: 4 })
    const asked = { prompt: [...recital.encode(prompt), ...all.slice(0, 3)], hither_answer_tokens: 3, max_tokens: 500 }
    const seen = await gateway.complete(asked)
    expect([seen.text, seen.ends]).toEqual([recital.decode(all.slice(3)), ['stop', 'done']])
  })
})
