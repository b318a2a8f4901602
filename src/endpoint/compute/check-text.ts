import type { TensorMap } from '../../contracts/tensor.ts'
import { ValidationError } from '../../errors/validation-error.ts'

/**
 * Refuses texts that the runtime would not read as they are: it cuts them at a NUL, and replaces half of a surrogate
 * pair.
 *
 * @throws {ValidationError} `input-values`
 */
export function checkTexts(inputs: TensorMap): void {
  for (const [name, { type, data }] of Object.entries(inputs)) {
    if (type !== 'string') continue
    for (let index = 0; index < data.length; index += 1) {
      const text = String(data[index])
      const what = text.includes('\0') ? 'a NUL, where the runtime would cut it' : 'half of a surrogate pair'
      if (text.includes('\0') || !isWellFormed(text)) {
        throw new ValidationError('input-values', `The input "${name}" can't be run: its text ${index} has ${what}.`)
      }
    }
  }
}

/** With the flag `u` a whole pair is one character, so that only a half matches. */
const isWellFormed = (text: string): boolean => !/\p{Surrogate}/u.test(text)
