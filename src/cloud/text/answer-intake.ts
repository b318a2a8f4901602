import type { ToolCall } from '../../contracts/chat.ts'
import { CloudError } from '../../errors/cloud-error.ts'
import { createSeam } from '../../generation/handover/seam.ts'
import type { TextChunk, TextFinish, TextUsage } from '../../protocol/text-server/text-chunk.ts'
import { given } from '../../utils/given.ts'
import type { GoOnPlan } from './plan-go-on.ts'
import type { CloudTextEnd, CloudTextPart, CloudWriteRequest } from './text-server.ts'

/** Bytes of a call's arguments; more is nobody's. */
const mostArguments = 1024 * 1024
const mostCalls = 128

/** Takes an answer's pieces in, and gives its parts out. */
export interface AnswerIntake {
  /** @returns true once no more is wanted. @throws {CloudError} `cloud-bad-response` */
  take(chunk: TextChunk): boolean
  /** The server has ended its answer. */
  end(): CloudTextEnd
}

const conflict = () =>
  new CloudError('cloud-bad-response', 'The endpoint did not go on where the answer was.', { context: { goOn: true } })

/** The text that may be shown of a server's answer, its tokens counted, its end known. */
export function createAnswerIntake(
  { stops, maxTokens, goOn }: Pick<CloudWriteRequest, 'stops' | 'maxTokens' | 'goOn'>,
  plan: GoOnPlan | undefined,
  onPart: (part: CloudTextPart) => void,
): AnswerIntake {
  const seam = createSeam({
    answer: plan?.answer ?? { shown: '', held: '' },
    ...given({ sent: plan?.sent }),
    ...given({ habits: plan?.habits }),
    stops,
  })
  const calls = createCalls()
  /** Tokens that the answer may still have. */
  let left = maxTokens - (goOn?.tokens ?? 0)
  /** Ids that are written once more: they are counted already. */
  let again = plan?.again ?? 0
  let counted = 0
  let hasBegun = false
  let finish: TextFinish | undefined
  let stopString: string | undefined
  let [usage, timings, fingerprint]: [TextUsage | undefined, TextChunk['timings'], string | undefined] = [
    undefined,
    undefined,
    undefined,
  ]

  /** Tokens of this piece: their ids, else what the server has counted since, else one. */
  const tokensOf = ({ ids, usage: now, text, reasoning }: TextChunk): number => {
    const isCounting = now !== undefined && finish === undefined
    const tokens =
      ids?.length ?? (isCounting ? Math.max(0, now.answerTokens - counted) : text + reasoning === '' ? 0 : 1)
    counted += tokens
    return tokens
  }

  const takeText = (chunk: TextChunk, tokens: number) => {
    const wasCaughtUp = seam.caughtUp
    const text = seam.push(chunk.text)
    if (seam.conflict) throw conflict()
    if (!wasCaughtUp && (!seam.caughtUp || text === '')) return
    const repeated = Math.min(again, tokens)
    again -= repeated
    const news = Math.min(tokens - repeated, left)
    left -= news
    // What is beyond the limit was written for the sake of what was written again.
    const ids = chunk.ids?.slice(repeated, repeated + news)
    if (news > 0 || text !== '') {
      onPart({ type: 'text', text, held: seam.held, tokens: news, ...given({ ids }) })
    }
  }

  return {
    take(chunk) {
      if (!hasBegun) onPart({ type: 'begun', ...given({ promptIds: chunk.promptIds }) })
      hasBegun = true
      const tokens = tokensOf(chunk)
      if (chunk.reasoning !== '') onPart({ type: 'reasoning', text: chunk.reasoning, tokens })
      if (chunk.text !== '' || (tokens > 0 && chunk.reasoning === '' && chunk.toolCalls.length === 0)) {
        takeText(chunk, tokens)
      }
      for (const call of chunk.toolCalls) {
        calls.take(call)
        onPart({ type: 'tool-call', ...call })
      }
      finish ??= chunk.finish
      stopString ??= chunk.stopString
      usage = chunk.usage ?? usage
      timings = chunk.timings ?? timings
      fingerprint ??= chunk.fingerprint
      if (seam.found !== undefined) return true
      return left <= 0 && goOn !== undefined && finish === undefined
    },
    end() {
      const text = seam.found === undefined ? seam.end() : ''
      if (seam.conflict) throw conflict()
      if (text !== '') onPart({ type: 'text', text, held: '', tokens: 0 })
      const found = seam.found ?? stopString
      const toolCalls = calls.end()
      const reason = seam.found !== undefined ? 'stop' : (finish ?? 'length')
      return {
        reason: reason === 'stop' && toolCalls.length > 0 ? 'tool-calls' : reason,
        ...given({ stopString: found, usage, timings, fingerprint, way: plan?.way }),
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
      }
    },
  }
}

/** Calls come in pieces: the arguments are JSON once all have come. */
function createCalls() {
  const open = new Map<number, { id?: string; name: string; json: string }>()
  return {
    take({ index, id, name, arguments: json }: TextChunk['toolCalls'][number]) {
      const call = open.get(index) ?? { name: '', json: '' }
      if (id !== undefined) call.id = id
      // Some send the name again with each piece.
      if (call.name === '') call.name = name ?? ''
      call.json += json
      open.set(index, call)
      if (open.size > mostCalls || call.json.length > mostArguments) {
        throw new CloudError('cloud-bad-response', 'The endpoint asks for more calls than anybody makes.')
      }
    },
    end: (): readonly ToolCall[] =>
      [...open.entries()]
        .sort(([a], [b]) => a - b)
        .map(([, { id, name, json }]) => ({ ...given({ id }), name, arguments: parseArguments(json) })),
  }
}

function parseArguments(json: string): ToolCall['arguments'] {
  if (json.trim() === '') return {}
  try {
    const value: unknown = JSON.parse(json)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as ToolCall['arguments']
  } catch {
    // Reported below: the sentence of the parser would show a part of the text.
  }
  throw new CloudError('cloud-bad-response', "The arguments of a call in the endpoint's answer are no JSON object.")
}
