import { exactSeam, type SeamHabits, sendable } from '../../generation/handover/seam.ts'
import type { Prompt } from '../../generation/writer/write-request.ts'
import type { GoOnWay } from '../../protocol/text-server/go-on-way.ts'
import type { GoOn, TextModelFacts } from './text-server.ts'

/** How a server is asked to go on with an answer. */
export interface GoOnPlan {
  /** Undefined: nothing of the answer needs to be sent, and it is written from the beginning. */
  readonly way: GoOnWay | undefined
  /** The answer as the server's text follows it. */
  readonly answer: Pick<GoOn, 'shown' | 'held'>
  /** What of its text the server is given, or follows from the ids that it is given. */
  readonly sent: string
  readonly habits: SeamHabits
  /** Tokens that it writes once more for certain: the ids that it is not given. */
  readonly again: number
}

/** Can this way be gone with what is known of the answer? */
function isOpen(way: GoOnWay, prompt: Prompt, { ids, promptText }: GoOn): boolean {
  if (way === 'token-ids') return ids !== undefined
  if (way === 'text') return promptText !== undefined || 'text' in prompt
  return 'messages' in prompt
}

/**
 * The best way in which a server goes on with this answer.
 *
 * @returns undefined where there is none, or it is not the one that is asked for
 */
export function planGoOn(
  goOn: GoOn,
  prompt: Prompt,
  { kind, ways }: Pick<TextModelFacts, 'kind' | 'ways'>,
): GoOnPlan | undefined {
  const { shown, held, ids } = goOn
  const known = ways.find(({ way }) => isOpen(way, prompt, goOn) && (goOn.way === undefined || way === goOn.way))
  if (known?.way === 'token-ids' && ids !== undefined && ids.answer.length > 0) {
    const exact = { way: known.way, habits: exactSeam }
    // Our own endpoint holds back of the ids' text what was held back here, and gives it out when it is certain.
    if (kind === 'hither') return { ...exact, answer: { shown, held: '' }, sent: shown, again: 0 }
    return { ...exact, answer: { shown, held }, sent: shown + held, again: ids.answer.length - ids.whole }
  }
  const { trims = true, losesBlanks = false, echoes = false } = known ?? {}
  const sent = sendable(shown + held, { trims, losesBlanks, echoes })
  const plan = { answer: { shown, held }, sent, again: 0 }
  // Blanks alone are no answer to go on with: templates drop them.
  if (sent === '') return { ...plan, way: undefined, habits: { trims, losesBlanks, echoes: false } }
  return known === undefined ? undefined : { ...plan, way: known.way, habits: { trims, losesBlanks, echoes } }
}
