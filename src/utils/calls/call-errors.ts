import { CapabilityError } from '../../errors/capability-error.ts'
import { ValidationError } from '../../errors/validation-error.ts'

/** An argument that structured clone refuses. */
export const toUnsendable = (cause: unknown) =>
  new ValidationError('input-type', 'Something that was given can’t be handed to another thread, tab or frame.', {
    cause,
  })

/** A message that one side sent and the other could not read, or an answer that could not be sent. */
export const toUnreadable = (cause?: unknown) =>
  new CapabilityError('worker-unavailable', 'A message between the parts of this page could not be read.', { cause })

/** The other side has closed its port, or its document has gone. */
export const toGone = () => new CapabilityError('worker-unavailable', 'The other part of this page has ended.')

/** Something else than a method on offer was asked for. */
export const toRefused = () =>
  new ValidationError('options-invalid', 'Only the methods that are offered can be called, and by their names.')
