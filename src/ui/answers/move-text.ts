import { str, t } from '../texts/text.ts'
import type { WrittenMove } from './follow-writing.ts'

/** Who went on with a text and why; the English sentence of the reason is the library's. */
export function moveText(move: Omit<WrittenMove, 'at'>): string {
  const reason = t(`move.${move.reason}`, move.why)
  if (move.restarted === true) {
    return move.to === 'edge'
      ? t('move.anew-edge', str`This device began anew. ${reason}`)
      : t('move.anew-cloud', str`The cloud began anew. ${reason}`)
  }
  if (move.from === move.to) return t('move.same', str`The same place went on. ${reason}`)
  return move.to === 'edge'
    ? t('move.to-edge', str`This device went on. ${reason}`)
    : t('move.to-cloud', str`The cloud went on. ${reason}`)
}
