import { msg, str } from '@lit/localize'

export { str }

/**
 * A text in the language that is set now: the one with this id in the language's table, else the English one given.
 *
 * @param text plain, or `str` with values, which the table refers to by their numbers
 */
export const t = (id: string, text: string | ReturnType<typeof str>): string => String(msg(text, { id }))
