import type { TextPreprocessing } from '../../contracts/preprocessing.ts'
import type { TensorData } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'

/** UTF-16 units read for each code point that is kept: bounds the work on a text of any length. */
const unitsPerCodePoint = 16

/** What stands for half of a surrogate pair, which is no character. */
const replacement = 0xfffd

/** All of a text that is read, without the white space before it. */
export const headOf = (text: string, { maxLength }: Pick<TextPreprocessing, 'maxLength'>): string =>
  text.trimStart().slice(0, maxLength * unitsPerCodePoint)

/**
 * A text as a model's input: its code points as int32 `[1, count]`, after the steps of docs/tasks.md. Both arms are
 * given this tensor, so that a browser's own tables of letters make no difference between them.
 *
 * @throws {ValidationError} `text-empty` when it holds nothing but white space
 */
export function textToTensor(text: string, { lowerCase, maxLength }: TextPreprocessing): TensorData {
  const head = headOf(text, { maxLength })
  const composed = head.normalize('NFC')
  const cased = lowerCase ? composed.toLowerCase() : composed
  const clean = cased.normalize('NFC').replace(/\s+/gu, ' ').trim()
  const codePoints: number[] = []
  for (const character of clean) {
    if (codePoints.length === maxLength) break
    const codePoint = character.codePointAt(0) ?? replacement
    codePoints.push(codePoint >= 0xd800 && codePoint <= 0xdfff ? replacement : codePoint)
  }
  if (codePoints.length === 0) throw new ValidationError('text-empty', 'There is no text here yet.')
  return { type: 'int32', dims: [1, codePoints.length], data: Int32Array.from(codePoints) }
}
