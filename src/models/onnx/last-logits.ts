import type { GraphNode } from './open-graph.ts'

/** What may stand between a decoder's last state and its logits: nodes that treat each token by itself. */
const tokenWise: ReadonlySet<string> = new Set([
  'MatMul',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'MatMulNBits',
  'DynamicQuantizeLinear',
  'DynamicQuantizeMatMul',
  'Cast',
  'Identity',
  'Mul',
  'Div',
  'Add',
  'Tanh',
])
const products: ReadonlySet<string> = new Set([
  'MatMul',
  'MatMulInteger',
  'MatMulIntegerToFloat',
  'MatMulNBits',
  'DynamicQuantizeMatMul',
])

/** Where a graph can be cut so that the rest of it computes for one token. */
export interface Cut {
  /** The value before: [batch, tokens, width]. */
  readonly value: string
  /** Nodes from there to the logits. */
  readonly after: ReadonlySet<GraphNode>
}

/**
 * Finds the value that the logits are made of alone: the last token's part of it is all that the last token's logits
 * need.
 *
 * @param outputs names of the graph's outputs
 * @returns undefined where there is none that is sure: something else uses what lies between, or it is of another form
 */
export function findCut(
  nodes: readonly GraphNode[],
  outputs: ReadonlySet<string>,
  isConstant: (name: string) => boolean,
): Cut | undefined {
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((output) => [output, node] as const)))
  const users = new Map<string, GraphNode[]>()
  for (const node of nodes) for (const input of node.inputs) users.set(input, [...(users.get(input) ?? []), node])
  const after = new Set<GraphNode>()
  let open = new Set(['logits'])
  let hasProduct = false
  // Each step takes the open value that is made last, so that what is used twice is met once.
  const order = new Map(nodes.map((node, index) => [node, index]))
  const placeOf = (name: string) => {
    const maker = makers.get(name)
    return maker === undefined ? -1 : (order.get(maker) ?? -1)
  }
  while (!(hasProduct && open.size === 1)) {
    const [name] = [...open].sort((a, b) => placeOf(b) - placeOf(a))
    const maker = name === undefined ? undefined : makers.get(name)
    if (name === undefined || maker === undefined || !tokenWise.has(maker.operator)) return undefined
    after.add(maker)
    hasProduct ||= products.has(maker.operator)
    open = new Set([...open].filter((each) => makers.get(each) !== maker))
    for (const input of maker.inputs) if (input !== '' && !isConstant(input)) open.add(input)
  }
  const [value] = open
  if (value === undefined || !makers.has(value)) return undefined
  for (const output of [...after].flatMap((node) => node.outputs)) {
    if (output === 'logits') continue
    if (outputs.has(output) || (users.get(output) ?? []).some((node) => !after.has(node))) return undefined
  }
  return { value, after }
}
