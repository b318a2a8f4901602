// By its parts: the package's index would bring the loading of languages into every page's first script.
import { msg } from '@lit/localize/init/install.js'
import { str } from '@lit/localize/internal/str-tag.js'

export { str }

/**
 * A text in the language that is set now: the one with this id in the language's table, else the English one given.
 *
 * @param text plain, or `str` with values, which the table refers to by their numbers
 */
export const t = (id: string, text: string | ReturnType<typeof str>): string => String(msg(text, { id }))
