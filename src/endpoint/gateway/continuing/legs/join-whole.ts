import { createAnswerIntake } from '../../../../cloud/text/answer-intake.ts'
import { CloudError } from '../../../../errors/cloud-error.ts'
import { parseTextChunk } from '../../../../protocol/text-server/text-chunk.ts'
import type { TextRequest } from '../answer/text-request.ts'
import type { WireChoice, WireChunk } from '../reading/read-event.ts'
import type { LegPlan } from './plan-leg.ts'

const utf8 = new TextDecoder()

/**
 * An answer in one piece to a request to go on, without what the upstream repeats.
 *
 * @throws {CloudError} `cloud-bad-response`: it is no answer, or does not go on where the client's text ends
 */
export function joinWhole(body: Uint8Array, plan: LegPlan, { stops, begun }: TextRequest): Buffer<ArrayBuffer> {
  const json = parse(body)
  const chunk = parseTextChunk(json)
  let text = ''
  const goOn = { shown: begun, held: '', tokens: 0 }
  const intake = createAnswerIntake({ stops, maxTokens: Number.POSITIVE_INFINITY, goOn }, plan, (part) => {
    if (part.type === 'text') text += part.text
  })
  intake.take({ ...chunk, toolCalls: [] })
  intake.end()
  const [first, ...others] = json.choices
  const choice: WireChoice =
    first?.message === undefined
      ? { ...first, text }
      : { ...first, message: { ...(first.message as object), content: text } }
  return Buffer.from(JSON.stringify({ ...json, choices: [choice, ...others] }))
}

function parse(body: Uint8Array): WireChunk {
  try {
    return JSON.parse(utf8.decode(body)) as WireChunk
  } catch (cause) {
    throw new CloudError('cloud-bad-response', 'The upstream answered with something that is no JSON.', { cause })
  }
}
