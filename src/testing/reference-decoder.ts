/** A Llama-like decoder as its numbers: each matrix by llama.cpp's name, row by row. */
export interface ReferenceDecoder {
  readonly layers: number
  readonly width: number
  readonly innerWidth: number
  readonly heads: number
  readonly kvHeads: number
  readonly headSize: number
  readonly vocabulary: number
  readonly theta: number
  readonly epsilon: number
  readonly positionScale: number
  /** Rotary positions turn neighbours against each other, as llama.cpp does for files of the architecture llama. */
  readonly turnsNeighbours: boolean
  readonly numbers: ReadonlyMap<string, Float32Array>
  /** What a matrix is multiplied by instead of `x`. */
  readonly activation?: (matrix: string, x: readonly number[]) => readonly number[]
}

/** One number after the other, in double precision: slow, and hard to get wrong. @returns the last token's logits */
export function referenceLogits(model: ReferenceDecoder, ids: readonly number[]): number[] {
  const { layers, width, heads, kvHeads, headSize, epsilon, theta, numbers, vocabulary } = model
  const get = (name: string): Float32Array => {
    const found = numbers.get(name)
    if (found === undefined) throw new Error(`no ${name}`)
    return found
  }
  const times = (name: string, given: readonly number[]): number[] => {
    const matrix = get(`${name}.weight`)
    const x = Float64Array.from(model.activation?.(name, given) ?? given)
    const bias = numbers.get(`${name}.bias`)
    const rows = matrix.length / x.length
    const width = x.length
    return Array.from({ length: rows }, (_, row) => {
      let sum = bias?.[row] ?? 0
      for (let column = 0; column < width; column += 1) sum += (matrix[row * width + column] ?? 0) * (x[column] ?? 0)
      return sum
    })
  }
  const norm = (x: readonly number[], weight: Float32Array): number[] => {
    const mean = x.reduce((sum, value) => sum + value * value, 0) / x.length
    return x.map((value, index) => (value / Math.sqrt(mean + epsilon)) * (weight[index] ?? 0))
  }
  const turn = (head: readonly number[], position: number): number[] => {
    const turned = [...head]
    const half = headSize / 2
    for (let pair = 0; pair < half; pair += 1) {
      const factor = numbers.get('rope_freqs.weight')?.[pair] ?? 1
      const angle = ((position / model.positionScale) * theta ** ((-2 * pair) / headSize)) / factor
      const [a, b] = model.turnsNeighbours ? [2 * pair, 2 * pair + 1] : [pair, pair + half]
      const [x, y] = [head[a] ?? 0, head[b] ?? 0]
      turned[a] = x * Math.cos(angle) - y * Math.sin(angle)
      turned[b] = x * Math.sin(angle) + y * Math.cos(angle)
    }
    return turned
  }
  const toHeads = (name: string, x: readonly number[], count: number, position: number | undefined): number[][] => {
    const all = times(name, x)
    return Array.from({ length: count }, (_, head) => {
      const own = all.slice(head * headSize, (head + 1) * headSize)
      const weight = numbers.get(`${name}_norm.weight`)
      const normed = weight === undefined ? own : norm(own, weight)
      return position === undefined ? normed : turn(normed, position)
    })
  }
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)

  const table = get('token_embd.weight')
  let states = ids.map((id) => [...table.slice(id * width, (id + 1) * width)])
  for (let layer = 0; layer < layers; layer += 1) {
    const name = (part: string) => `blk.${layer}.${part}`
    const normed = states.map((state) => norm(state, get(name('attn_norm.weight'))))
    const keys = normed.map((x, position) => toHeads(name('attn_k'), x, kvHeads, position))
    const values = normed.map((x) => toHeads(name('attn_v'), x, kvHeads, undefined))
    states = states.map((state, position) => {
      const queries = toHeads(name('attn_q'), normed[position] ?? [], heads, position)
      const mixed = queries.flatMap((query, head) => {
        const shared = Math.floor(head / (heads / kvHeads))
        const seen = keys.slice(0, position + 1).map((key) => dot(query, key[shared] ?? []) / Math.sqrt(headSize))
        const most = Math.max(...seen)
        const weights = seen.map((score) => Math.exp(score - most))
        const sum = weights.reduce((total, weight) => total + weight, 0)
        return Array.from({ length: headSize }, (_, place) =>
          weights.reduce((total, weight, token) => total + (weight / sum) * (values[token]?.[shared]?.[place] ?? 0), 0),
        )
      })
      const joined = times(name('attn_output'), mixed)
      return state.map((value, index) => value + (joined[index] ?? 0))
    })
    states = states.map((state) => {
      const x = norm(state, get(name('ffn_norm.weight')))
      const gate = times(name('ffn_gate'), x)
      const up = times(name('ffn_up'), x)
      const joined = times(
        name('ffn_down'),
        gate.map((value, index) => (value / (1 + Math.exp(-value))) * (up[index] ?? 0)),
      )
      return state.map((value, index) => value + (joined[index] ?? 0))
    })
  }
  const last = norm(states.at(-1) ?? [], get('output_norm.weight'))
  const logits = times(numbers.has('output.weight') ? 'output' : 'token_embd', last)
  return logits.slice(0, vocabulary)
}
