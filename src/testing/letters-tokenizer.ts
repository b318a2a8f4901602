/** Printable letters of ASCII, one token each: what prompts are made of. */
const letters = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index))

/**
 * A tokenizer that has no merges, so that it splits a prompt into letters alone.
 *
 * @param pieces longer tokens, which a model may write
 */
export function lettersTokenizer(pieces: readonly string[] = []) {
  const end = '<|end|>'
  const tokens = [...letters, ...pieces]
  const endId = tokens.length
  const special = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true }
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [{ id: endId, content: end, ...special }],
      normalizer: null,
      pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        // As byte-level tokenizers write a blank.
        vocab: Object.fromEntries(tokens.map((token, id) => [token.replaceAll(' ', 'Ġ'), id])),
        merges: [],
      },
    },
    config: { eos_token: end },
    /** All but the end, by id. */
    tokens,
    /** Ends an answer; the last id. */
    endId,
    vocabulary: tokens.length + 1,
  }
}
