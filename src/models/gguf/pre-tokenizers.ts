import { unsupportedGguf } from './read-gguf.ts'

/** How a byte-level tokenizer parts a text before it joins bytes. */
export interface PreTokenizer {
  /** Each is applied to the parts that the one before it made. */
  readonly patterns: readonly string[]
  /** Texts are composed first (Unicode's NFC). */
  readonly composes?: boolean
  /** A part that is a token as it is stays one, whatever the merges say. */
  readonly ignoresMerges?: boolean
  /** A whole text begins with the mark of beginning, where the file says nothing of it. */
  readonly addsBos?: boolean
}

const words = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
const endings = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
const blanks = '\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+'
/** Words with the mark before them, and numbers by so many digits. */
const modern = (digits: string) =>
  `${endings}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|${blanks}`
const capitals = '\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}'
const smalls = '\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}'
const before = '[^\\r\\n\\p{L}\\p{N}]?'
/** Words are parted where a capital letter follows a small one. */
const byCase = `${before}[${capitals}]*[${smalls}]+|${before}[${capitals}]+[${smalls}]*`

const gpt2: PreTokenizer = { patterns: [words] }
const singleDigits: PreTokenizer = { patterns: ['\\p{N}', words] }
const qwen2: PreTokenizer = { patterns: [modern('\\p{N}')], composes: true }
const llama3: PreTokenizer = { patterns: [modern('\\p{N}{1,3}')], ignoresMerges: true, addsBos: true }
const byThrees: PreTokenizer = { patterns: [modern('\\p{N}{1,3}')] }
const tekken: PreTokenizer = {
  patterns: [`${byCase}|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|${blanks}`],
  ignoresMerges: true,
  addsBos: true,
}
/** What llama.cpp does for files that name no kind. */
const plain: PreTokenizer = { patterns: ['[\\p{P}\\$\\+<=>\\^~\\|]+', words, '\\p{N}+', '[0-9][0-9][0-9]'] }

/** By `tokenizer.ggml.pre`. */
const kinds: ReadonlyMap<string, PreTokenizer> = new Map([
  ['default', plain],
  ...['gpt-2', 'gpt2', 'phi-2', 'gigachat'].map((name) => [name, gpt2] as const),
  ...['smollm', 'starcoder', 'refact', 'command-r', 'codeshell', 'exaone', 'minerva-7b'].map(
    (name) => [name, singleDigits] as const,
  ),
  ...['qwen2', 'megrez', 'deepseek-r1-qwen'].map((name) => [name, qwen2] as const),
  ['stablelm2', { patterns: [modern('\\p{N}')] }],
  ...['llama-bpe', 'llama3', 'llama-v3', 'falcon3', 'pixtral'].map((name) => [name, llama3] as const),
  ...['smaug-bpe', 'dbrx'].map((name) => [name, byThrees] as const),
  ['tekken', tekken],
])

/**
 * The way of parting texts by its name in GGUF.
 *
 * Source of the patterns: the `tokenizer.json` of the models that the kinds are called after, and `llm_tokenizer_bpe` of
 * https://github.com/ggml-org/llama.cpp/blob/master/src/llama-vocab.cpp
 *
 * @throws {ModelError} `gguf-unsupported`: nothing is known of this kind
 */
export function findPreTokenizer(name: string): PreTokenizer {
  const kind = kinds.get(name)
  if (kind !== undefined) return kind
  throw unsupportedGguf(
    `its tokenizer parts texts in a way called "${name.slice(0, 50)}", of which nothing is known here`,
  )
}
