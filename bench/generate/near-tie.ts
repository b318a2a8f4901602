/**
 * Of logits: below it, two tokens are as good as equal. llama.cpp rounds what it multiplies to 8 bits, block by block, so
 * its logits are some tenths off those of the file's numbers.
 */
export const nearTie = 0.5
