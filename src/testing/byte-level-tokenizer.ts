/** The printable characters that stand for the 256 bytes, as GPT-2's tokenizer has them. */
export function byteCharacters(): readonly string[] {
  const isPrintable = (byte: number) => (byte >= 33 && byte <= 126) || (byte >= 161 && byte !== 173)
  let others = 0
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isPrintable(byte) ? byte : 256 + others++))
}

/** A text in those characters. */
function written(text: string, characters: readonly string[]): string {
  return Array.from(new TextEncoder().encode(text), (byte) => characters[byte] ?? '').join('')
}

/**
 * A byte-level tokenizer as most models have it: a token for each byte, some longer ones, of which some end inside of a
 * character, and marks of a conversation. With room in the vocabulary that no token has.
 */
export function byteLevelTokenizer() {
  const characters = byteCharacters()
  const merged = ['he', 'the', ' the', ' a', 'é', '你', '好', '👍', '👨', '\u200d', '\u0301', '  ', '\n\n']
  const merges: [string, string][] = []
  const vocab: Record<string, number> = Object.fromEntries(characters.map((character, byte) => [character, byte]))
  for (const text of merged) {
    const letters = written(text, characters)
    for (let end = 2; end <= letters.length; end += 1) {
      const whole = letters.slice(0, end)
      if (Object.hasOwn(vocab, whole)) continue
      merges.push([letters.slice(0, end - 1), letters.slice(end - 1, end)])
      vocab[whole] = Object.keys(vocab).length
    }
  }
  const marks = ['<|im_start|>', '<|im_end|>'].map((content, index) => ({
    id: Object.keys(vocab).length + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }))
  const tokens = Object.keys(vocab).length + marks.length
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: marks,
      normalizer: null,
      pre_tokenizer: { type: 'Sequence', pretokenizers: [{ type: 'Digits', individual_digits: true }, byteLevel] },
      post_processor: null,
      decoder: byteLevel,
      model: { type: 'BPE', dropout: null, unk_token: null, byte_fallback: false, ignore_merges: false, vocab, merges },
    },
    config: { tokenizer_class: 'PreTrainedTokenizerFast', bos_token: '<|im_start|>', eos_token: '<|im_end|>' },
    tokens,
    /** Of a model: some rows more than there are tokens. */
    vocabulary: tokens + 9,
    contextTokens: 1024,
  }
}
