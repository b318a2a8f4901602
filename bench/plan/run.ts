// npm run plan -- --devices N --requests-per-device-hour X --model M [flags]: plans a fleet and its endpoint (ECP and
// CCP), checks the plan against a simulated fleet, prints it as a table and writes it as a picture.
import { writeFile } from 'node:fs/promises'
import { loadModels } from '../../src/endpoint/model-folder/load-models.ts'
import { totalBytesOf } from '../../src/models/manifest/total-bytes.ts'
import { logNormal } from '../../src/utils/log-normal.ts'
import { parseFlags } from '../support/bench.ts'
import { drawPlan } from './draw-plan.ts'
import { measureWorker } from './measure-worker.ts'
import { type PlannedModel, parseRequest } from './parse-request.ts'
import { planFleet } from './plan-fleet.ts'
import { printPlan } from './print-plan.ts'
import { simulateFleet } from './simulate-fleet.ts'
import { tensorBytes } from './tensor-bytes.ts'

const flags = parseFlags(process.argv.slice(2))
const print = (line: string) => process.stdout.write(`${line}\n`)

async function readModel(name: string): Promise<PlannedModel> {
  const { records } = await loadModels(flags.value('models') ?? 'packages/hither-models/models')
  const record = records.find((candidate) => candidate.name === name && candidate.state.status === 'ready')
  if (record?.manifest === undefined || record.state.status !== 'ready') {
    throw new RangeError(`--model ${name} is none of: ${records.map((candidate) => candidate.name).join(', ')}`)
  }
  const { manifest, state } = record
  return {
    macs: manifest.complexity.macs,
    bytes: totalBytesOf(manifest),
    requestBytes: tensorBytes(manifest.inputs),
    responseBytes: tensorBytes(manifest.outputs),
    service: flags.has('cloud-ms') ? logNormal(1, 0.03) : await measureWorker(manifest, state.shared.graph),
  }
}

try {
  const model = flags.value('model') ?? 'digits'
  const request = parseRequest(flags, await readModel(model))
  const plan = planFleet(request)
  const { devices } = plan.atPeak
  const requests = Number(flags.value('simulated-requests') ?? 1e6)
  // Beyond a million devices the formulas stand alone.
  const run =
    requests > 0 && devices <= 1e6
      ? simulateFleet(plan.atPeak, { requests, workers: plan.cloud.workers, seed: Number(flags.value('seed') ?? 1) })
      : undefined
  printPlan(request, plan, run, print)
  const file = flags.value('svg') ?? 'plan.svg'
  await writeFile(file, drawPlan(request, plan, run))
  print(`\npicture: ${file}`)
  if (flags.has('json')) {
    const { line, ...fleet } = run ?? {}
    print(JSON.stringify({ request, plan, simulated: run && { ...fleet, line: line?.(plan.cloud.workers) } }))
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
