/** Half of a surrogate pair: with the flag `u`, a whole pair is one character and does not match. */
const half = /[\ud800-\udfff]/gu

/** A text whose halves of surrogate pairs, which are no characters, each became U+FFFD, as in UTF-8. */
export const wellFormed = (text: string): string => text.replace(half, '\ufffd')
