import { openSideThread, scriptBeside } from '../threads/side-thread.ts'
import type { TokenizedRequest, TokenizerFiles } from './embedding-request.ts'
import type { TokenizerMethods } from './tokenizer-methods.ts'

/** Milliseconds that a request's texts may take. Most take less than one; a tokenizer may need quadratic time for some. */
const limitMs = 60_000

/** Reads requests for embeddings in a thread of its own: their texts are split into tokens there. */
export interface TokenizerThread {
  /**
   * @param body JSON; its memory is given away
   * @throws {ValidationError} the body is not what the API asks for, or a text is empty or too long
   * @throws {CloudError} `cloud-failed`: the files are no tokenizer; `cloud-timeout`, `cloud-overloaded`
   */
  read(files: TokenizerFiles, body: Uint8Array<ArrayBuffer>): Promise<TokenizedRequest>
  close(): Promise<void>
}

export function openTokenizerThread(onFault: (cause: unknown) => void): TokenizerThread {
  const thread = openSideThread<TokenizerMethods>(scriptBeside('tokenizer-worker', import.meta.url), { onFault })
  // A model that is loaded again comes with other texts.
  const keys = new WeakMap<TokenizerFiles['texts'], string>()
  let last = 0
  const keyOf = ({ texts }: TokenizerFiles): string => {
    const known = keys.get(texts)
    if (known !== undefined) return known
    last += 1
    const key = String(last)
    keys.set(texts, key)
    return key
  }
  return {
    async read(files, body) {
      const key = keyOf(files)
      if (!(await thread.call('has', [key]))) await thread.call('load', [key, files])
      return thread.call('read', [key, body], { transfer: [body.buffer], limitMs })
    },
    close: thread.close,
  }
}
