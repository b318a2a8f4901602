/** Text in pieces that are never cut inside a character. */
export interface WholeCharacters {
  /** @returns what is certain by now */
  push(text: string): string
  /** No more comes. @returns what was held back, as it is */
  end(): string
}

/** Half of a surrogate pair, or what decoders write for bytes that are no character, or not yet. */
const maybeCut = /(?:[\ud800-\udbff]|\ufffd+)$/

/**
 * Some servers send a character's first half as soon as its token is there. It is held back until more comes: where the
 * server dies in between, whoever goes on writes the whole character.
 */
export function createWholeCharacters(): WholeCharacters {
  let held = ''
  return {
    push(text) {
      const all = held + text
      held = maybeCut.exec(all)?.[0] ?? ''
      return all.slice(0, all.length - held.length)
    },
    end() {
      const rest = held
      held = ''
      return rest
    },
  }
}
