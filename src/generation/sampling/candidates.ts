/** A token that may be chosen, and its logit. */
export interface Candidate {
  readonly token: number
  readonly logit: number
}

/** The likelier of two; of equals the one with the lower id, so that every side of a hand-over orders them alike. */
const comesBefore = (a: Candidate, b: Candidate) => a.logit > b.logit || (a.logit === b.logit && a.token < b.token)

/** The likeliest token: of equals the first, as everybody's `argmax` has it. `NaN` is never the likeliest. */
export function likeliest(logits: Float32Array): number {
  let best = 0
  let most = Number.NEGATIVE_INFINITY
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] as number
    if (logit > most) {
      most = logit
      best = token
    }
  }
  return best
}

/**
 * The `count` likeliest tokens, the likeliest first. Linear in the vocabulary, with a heap of `count`: sorting 152,000
 * logits for each token would take longer than many a model's run.
 */
export function topCandidates(logits: Float32Array, count: number): Candidate[] {
  const size = Math.min(Math.max(1, count), logits.length)
  /** A heap with the least likely on top, in two parallel arrays. */
  const [tokens, values] = [new Uint32Array(size), new Float32Array(size)]
  let filled = 0
  const isLess = (a: number, b: number) => {
    const [x, y] = [values[a] as number, values[b] as number]
    return x < y || (x === y && (tokens[a] as number) > (tokens[b] as number))
  }
  const swap = (a: number, b: number) => {
    const [token, value] = [tokens[a] as number, values[a] as number]
    tokens[a] = tokens[b] as number
    values[a] = values[b] as number
    tokens[b] = token
    values[b] = value
  }
  const sink = (from: number) => {
    for (let at = from; ; ) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) if (child < filled && isLess(child, least)) least = child
      if (least === at) return
      swap(at, least)
      at = least
    }
  }
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] as number
    if (filled === size) {
      // Also false for NaN; of equals the first stays.
      if (!(logit > (values[0] as number))) continue
      tokens[0] = token
      values[0] = logit
      sink(0)
      continue
    }
    if (Number.isNaN(logit)) continue
    let at = filled
    filled += 1
    tokens[at] = token
    values[at] = logit
    for (let parent = (at - 1) >> 1; at > 0 && isLess(at, parent); parent = (at - 1) >> 1) {
      swap(at, parent)
      at = parent
    }
  }
  return Array.from({ length: filled }, (_, at) => ({
    token: tokens[at] as number,
    logit: values[at] as number,
  })).sort((a, b) => (comesBefore(a, b) ? -1 : 1))
}

/** All tokens whose logit is at least this, the likeliest first. */
export function candidatesFrom(logits: Float32Array, leastLogit: number): Candidate[] {
  const found: Candidate[] = []
  for (let token = 0; token < logits.length; token += 1) {
    const logit = logits[token] as number
    if (logit >= leastLogit) found.push({ token, logit })
  }
  return found.sort((a, b) => (comesBefore(a, b) ? -1 : 1))
}
