import { isInstance } from '../utils/is-instance.ts'
import type { EngineInput } from './messages.ts'

/** What a page hands to a widget, as its engine takes it: whether it is that, the engine says. */
export function toInput(task: string, input: string | Blob | ImageBitmap): EngineInput {
  if (typeof input === 'string') return { kind: 'text', text: input }
  if (isInstance(input, 'ImageBitmap')) return { kind: 'picture', picture: input }
  return task === 'speech' ? { kind: 'sound', sound: input } : { kind: 'picture', picture: input }
}
