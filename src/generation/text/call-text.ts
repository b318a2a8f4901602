/** Text as it may be shown while a model that was given tools writes: without what may be a call. */
export interface CallText {
  /** @returns what of all text so far may be shown now and was not yet */
  push(text: string): string
  /** No more comes. @param isCall whether what was held back was a call @returns what is shown of it */
  end(isCall: boolean): string
  /** What is held back now: it may be a call, or the beginning of one. */
  readonly held: string
}

/** How calls begin: anywhere, or as the first of an answer (`readToolCalls` reads them). */
const anywhere = ['<tool_call>']
const first = ['{', '[', '<|python_tag|>']

const beginsLike = (text: string, mark: string) => text.startsWith(mark) || mark.startsWith(text)

/** Where what may be a call begins; undefined where all of it is text. */
function callAt(text: string, isBeginning: boolean): number | undefined {
  const blanks = text.length - text.trimStart().length
  if (isBeginning && first.some((mark) => beginsLike(text.slice(blanks), mark))) return 0
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    if (anywhere.some((mark) => beginsLike(text.slice(at), mark))) return at
  }
  return undefined
}

/**
 * Holds back what may be a call of a function, from where it begins to the answer's end: nobody can take back what was
 * shown.
 *
 * @param options.shown characters of the answer that were shown before
 */
export function createCallText({ shown: before = 0 }: { readonly shown?: number } = {}): CallText {
  let held = ''
  let shown = before
  return {
    push(text) {
      held += text
      const at = callAt(held, shown === 0)
      const certain = held.slice(0, at)
      held = held.slice(certain.length)
      shown += certain.length
      return certain
    },
    end(isCall) {
      const rest = isCall ? '' : held
      held = ''
      return rest
    },
    get held() {
      return held
    },
  }
}
