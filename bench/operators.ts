import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OperatorCase, OperatorResult, OperatorsPage } from './pages/operators.ts'
import type { Bench } from './support/bench.ts'
import { openBenchBrowser, printErrors, softwareAdapter } from './support/bench-browser.ts'
import { openEdgeSite } from './support/edge-site.ts'
import { type FileTensor, readGraphNames, readTensorProto } from './support/onnx-files.ts'
import { hasSharedModels, sharedModels, sharedPath } from './support/shared-models.ts'

declare const hitherOperators: OperatorsPage

const backends = ['wasm', 'webgpu'] as const

/** Reads one test; undefined where it takes or gives what is no tensor. */
function readCase(folder: string, name: string): OperatorCase | undefined {
  const model = readFileSync(join(folder, name, 'model.onnx'))
  const names = readGraphNames(model)
  const read = (of: readonly string[], prefix: string): Record<string, FileTensor> | undefined => {
    const tensors: Record<string, FileTensor> = {}
    for (const [index, key] of of.entries()) {
      const file = join(folder, name, 'test_data_set_0', `${prefix}_${index}.pb`)
      if (!existsSync(file)) continue
      const tensor = readTensorProto(readFileSync(file))
      if (tensor === undefined) return undefined
      tensors[key] = tensor
    }
    return tensors
  }
  const [inputs, outputs] = [read(names.inputs, 'input'), read(names.outputs, 'output')]
  if (inputs === undefined || outputs === undefined) return undefined
  return { name, model: model.toString('base64'), inputs, outputs }
}

/** ONNX's operator tests through the edge worker, on each backend: what it can do, and what it cannot. */
export const bench: Bench = async (flags, print) => {
  if (!hasSharedModels) {
    print('../shared/models is not there: there are no operator tests to run')
    return {}
  }
  const folder = sharedPath('onnx-node-tests')
  const only = flags.value('only')
  const names = readdirSync(folder).filter(
    (name) => name.startsWith('test_') && (only === undefined || name.includes(only)),
  )
  const cases = names.flatMap((name) => readCase(folder, name) ?? [])
  if (cases.length < names.length)
    print(`${names.length - cases.length} of ${names.length} tests have inputs that are no tensors`)
  const site = await openEdgeSite({
    pages: ['operators'],
    models: [sharedModels.digits],
  })
  const browser = await openBenchBrowser(softwareAdapter)
  const figures: Record<
    string,
    { readonly of: number; readonly pass: number; readonly others: readonly OperatorResult[] }
  > = {}
  try {
    const page = await browser.newPage()
    printErrors(page, print)
    await page.goto(`${site.origin}/operators.html`)
    await page.waitForFunction(() => 'hitherOperators' in globalThis)
    const show = (what: string, results: readonly OperatorResult[]) => {
      const others = results.filter(({ outcome }) => outcome !== 'pass')
      figures[what] = { of: results.length, pass: results.length - others.length, others }
      print(`${what}: ${results.length - others.length} of ${results.length} pass`)
      for (const { name, outcome, detail } of others) print(`  ${outcome}: ${name}: ${detail}`)
    }
    for (const backend of flags.value('backend') === undefined
      ? backends
      : backends.filter((name) => name === flags.value('backend'))) {
      const results = await page.evaluate(([name, given]) => hitherOperators.run(name, given), [
        backend,
        cases,
      ] as const)
      show(backend, results)
      // As files that a person adds: what WebGPU answers otherwise, or does not run, WASM runs.
      const order = backend === 'wasm' ? (['wasm'] as const) : (['webgpu', 'wasm'] as const)
      const added = await page.evaluate(([names, given]) => hitherOperators.runAdded(names, given), [
        order,
        cases,
      ] as const)
      show(`added, ${order.join(' then ')}`, added)
    }
  } finally {
    await browser.close()
    await site.close()
  }
  return figures
}
