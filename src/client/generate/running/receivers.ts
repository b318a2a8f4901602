import { planGoOn } from '../../../cloud/text/plan-go-on.ts'
import type { Prompt } from '../../../generation/writer/write-request.ts'
import { armKey } from '../../../routing/arm-ref.ts'
import type { ArmRef } from '../../../routing/router-types.ts'
import type { TextForecast } from '../../../routing/text/text-types.ts'
import type { Receiver } from '../../../routing/text/watching/watch-types.ts'
import { p90OfForecast } from '../../../utils/forecast.ts'
import { meanOf } from '../../../utils/log-normal.ts'
import { type AnswerState, isBegun, toGoOn } from '../answer/answer-state.ts'
import { insideOf } from '../answer/inside.ts'
import type { TextArmPlace } from '../routing/text-places.ts'

/** May another side go on with an answer that has begun? To the same model only, to any, or never. */
export type Handover = 'same-model' | 'any' | 'never'

/** An arm that could take over. */
export interface ReceiverOption {
  readonly ref: ArmRef
  readonly receiver: Receiver
  /** It can't go on, but may write the answer anew. */
  readonly isRestart: boolean
  /** It has failed several times in a row: asked only where nobody else is left. */
  readonly isSetAside: boolean
}

/**
 * The arms that could take over from the one that writes, the one whose next token is predicted first being first.
 *
 * An arm of the same kind of model goes on where the text allows it: not within what the model thinks or a call. Where an
 * arm can't, it may begin anew if the caller allows that.
 */
export function findReceivers(options: {
  readonly state: Readonly<AnswerState>
  readonly prompt: Prompt
  /** The arm that writes, or wrote last. */
  readonly writer: ArmRef
  readonly handover: Handover
  readonly mayRestart: boolean
  /** Arms that the request may use at all. */
  readonly places: readonly TextArmPlace[]
  readonly allows: (ref: ArmRef) => boolean
  readonly online: boolean
  readonly forecast: (place: TextArmPlace, tokens: number) => TextForecast
  readonly promptTokens: number
}): readonly ReceiverOption[] {
  const { state, prompt, writer, handover, mayRestart, places, allows, online, forecast, promptTokens } = options
  if (handover === 'never') return []
  const from = places.find(({ ref }) => armKey(ref) === armKey(writer))
  const isInside = insideOf(state, prompt) !== undefined
  const tokens = promptTokens + state.tokens

  const goesOn = (place: TextArmPlace): boolean => {
    if (isInside) return false
    const isOther = place.isOther !== (from?.isOther ?? false)
    if (isOther && handover !== 'any') return false
    if (place.ref.arm === 'edge') return true
    const goOn = toGoOn(state, place.isSameTokenizer)
    const { facts } = place
    return goOn === undefined || (facts !== undefined && planGoOn(goOn, prompt, facts) !== undefined)
  }
  return places
    .filter(({ ref, mayWrite }) => armKey(ref) !== armKey(writer) && mayWrite)
    .filter(({ ref }) => online || ref.arm === 'edge')
    .filter(({ contextTokens = Number.POSITIVE_INFINITY }) => tokens < contextTokens)
    .flatMap((place) => {
      const isRestart = isBegun(state) && !goesOn(place)
      if (isRestart && !mayRestart) return []
      const { firstToken, token } = forecast(place, isRestart ? promptTokens : tokens)
      const receiver = {
        firstTokenMs: p90OfForecast(firstToken),
        tokenMs: meanOf(token),
        canPrepare: place.ref.arm === 'edge' && place.isReady && !isRestart,
      }
      return [{ ref: place.ref, receiver, isRestart, isSetAside: !allows(place.ref) }]
    })
    .sort((a, b) => ranksOf(a) - ranksOf(b) || a.receiver.firstTokenMs - b.receiver.firstTokenMs)
}

const ranksOf = ({ isRestart, isSetAside }: ReceiverOption) => Number(isRestart) * 2 + Number(isSetAside)
