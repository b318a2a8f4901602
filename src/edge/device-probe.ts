import type { AdapterFacts, BackendMeasurement } from '../contracts/measurements.ts'
import type { Backend } from '../contracts/model-state.ts'
import { type BackendSetup, measurementOf, setupId } from '../device/backend-setups.ts'
import { probeBudgetsMs, unhurriedBudgetMs } from '../device/probe-budget.ts'
import { isErrorLike } from '../errors/is-error-like.ts'
import { memoizeAsync } from '../utils/memoize-async.ts'
import type { DeviceKnowledge } from './device-knowledge.ts'
import type { EdgeHosts } from './edge-hosts.ts'

/** How what needs no runtime file is measured: in another thread than the runs. */
export interface DeviceMeasures {
  detectAdapter(): Promise<AdapterFacts | undefined>
  measureWebgpu(budgetMs: number): Promise<BackendMeasurement>
  measureWebnn(budgetMs: number): Promise<BackendMeasurement>
}

/** Measures this device's setups within 150 ms, once for its browser version, adapter and threads. */
export interface DeviceProbe {
  /** The adapter is known, from now or from an earlier visit. Never rejects. */
  ready(): Promise<void>
  readonly isReady: boolean
  /** Each backend has been measured with its first setup. Never rejects. */
  measure(): Promise<void>
  /** Measures all setups anew, also those that were. Never rejects. */
  measureAgain(): Promise<void>
  /** What can wait until nothing runs: the other thread counts, what was cut short, and whether the adapter is still the same. */
  measureRest(): Promise<void>
}

const detailOf = (error: unknown) => (isErrorLike(error) ? error.message : String(error))

export function createDeviceProbe(options: {
  readonly setups: readonly BackendSetup[]
  readonly hosts: EdgeHosts
  readonly knowledge: DeviceKnowledge
  readonly measures: DeviceMeasures
  /** Browser version, processors, threads and wanted backends: what else was measured is of another device. */
  readonly device: string
  readonly onMeasured: () => void
}): DeviceProbe {
  const { setups, hosts, knowledge, measures, device, onMeasured } = options
  const wantsWebgpu = setups.some(({ backend }) => backend === 'webgpu')

  const measureWasm = async (setup: BackendSetup, budgetMs: number): Promise<BackendMeasurement> => {
    try {
      return await hosts.of(setup).measure(budgetMs)
    } catch (error) {
      return { backend: 'wasm', threads: setup.threads, status: 'failed', detail: detailOf(error) }
    }
  }
  const measurers: Record<Backend, (setup: BackendSetup, budgetMs: number) => Promise<BackendMeasurement>> = {
    wasm: measureWasm,
    webgpu: (_, budgetMs) => measures.measureWebgpu(budgetMs),
    webnn: (_, budgetMs) => measures.measureWebnn(budgetMs),
  }
  const measureOne = async (setup: BackendSetup, budgetMs: number) => {
    const { backend } = setup
    const measurement = await measurers[backend](setup, budgetMs).catch(
      (error): BackendMeasurement => ({ backend, status: 'failed', detail: detailOf(error) }),
    )
    knowledge.addMeasurement(measurement)
    onMeasured()
  }
  const isFirstOfItsBackend = (setup: BackendSetup) => setups.find(({ backend }) => backend === setup.backend) === setup
  const measured = (setup: BackendSetup) => measurementOf(knowledge.measurements, setup)

  let isReady = false
  const ready = memoizeAsync(async (_: 'adapter') => {
    const remembered = await knowledge.restore(device)
    if (!remembered && wantsWebgpu) knowledge.adapter = await measures.detectAdapter().catch(() => undefined)
    isReady = true
    if (remembered) onMeasured()
    return { remembered }
  })
  const measure = memoizeAsync(async (_: 'device') => {
    await ready('adapter')
    // One after the other: a software adapter works on the processor that WASM is timed on.
    for (const setup of setups) {
      if (isFirstOfItsBackend(setup) && !measured(setup)) {
        await measureOne(setup, probeBudgetsMs[setup.backend])
      }
    }
  })
  const measureRest = memoizeAsync(async (_: 'rest') => {
    await measure('device')
    for (const setup of setups) {
      if (!measured(setup)) await measureOne(setup, probeBudgetsMs[setup.backend])
      // A busy moment must not stand for the device: what was cut short is measured again, without a hurry.
      else if (measured(setup)?.cutShort) await measureOne(setup, unhurriedBudgetMs)
    }
    hosts.sweep()
    const { remembered } = await ready('adapter')
    if (!remembered || !wantsWebgpu) return
    const adapter = await measures.detectAdapter().catch(() => undefined)
    if (adapter?.name === knowledge.adapter?.name) return
    // Another graphics processor than at the last visit: what was measured is not its.
    knowledge.adapter = adapter
    const webgpu = setups.find((setup) => setupId(setup) === 'webgpu')
    if (webgpu !== undefined) await measureOne(webgpu, unhurriedBudgetMs)
  })

  return {
    ready: async () => void (await ready('adapter')),
    get isReady() {
      return isReady
    },
    measure: () => measure('device'),
    async measureAgain() {
      await measure('device')
      for (const setup of setups) await measureOne(setup, unhurriedBudgetMs)
      hosts.sweep()
    },
    measureRest: () => measureRest('rest'),
  }
}
