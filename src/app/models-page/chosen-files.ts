/** One thing to bring in: a .zip that was exported, or a model with the files that may be its weights. */
export type AddStep =
  | { readonly kind: 'import'; readonly label: string; readonly file: File }
  | { readonly kind: 'add'; readonly label: string; readonly files: readonly File[] }

const zipHead = 'PK\u0003\u0004'

/** By its name, or by its first bytes where the name says nothing. */
async function isZip(file: File): Promise<boolean> {
  if (/\.zip$/i.test(file.name)) return true
  // One that can't be read is no .zip; whoever adds it says why it can't.
  return (
    (await file
      .slice(0, zipHead.length)
      .text()
      .catch(() => '')) === zipHead
  )
}

/**
 * What files that were chosen or dropped together stand for: each .zip is brought in, each .onnx file is a model, and the
 * others may be any one's weights. Without an .onnx file they are given as they are: what is wrong with them is said.
 */
export async function toAddSteps(files: readonly File[]): Promise<readonly AddStep[]> {
  const steps: AddStep[] = []
  const rest: File[] = []
  for (const file of files) {
    if (await isZip(file)) steps.push({ kind: 'import', label: file.name, file })
    else rest.push(file)
  }
  const graphs = rest.filter(({ name }) => /\.onnx$/i.test(name))
  const others = rest.filter((file) => !graphs.includes(file))
  for (const graph of graphs) steps.push({ kind: 'add', label: graph.name, files: [graph, ...others] })
  const [first] = others
  if (graphs.length === 0 && first !== undefined) steps.push({ kind: 'add', label: first.name, files: others })
  return steps
}
