import { type BackendSetup, setupId } from '../device/backend-setups.ts'
import { detectJspi } from '../device/detect-jspi.ts'
import { systemTimers, type Timers } from '../utils/with-deadline.ts'
import { createEdgeHost, type EdgeHost } from './edge-host.ts'
import type { RuntimeProgress, RuntimeStanding } from './edge-types.ts'
import type { RuntimeFlavor } from './worker-types.ts'

/** A worker without a model is ended after this time: it holds its WASM memory, which never shrinks, until then. */
const idleMs = 10_000

/** The workers in use: one for each runtime file and thread count, started when it is needed. */
export interface EdgeHosts {
  of(setup: BackendSetup): EdgeHost
  /** How far a setup's runtime is. Starts nothing. */
  runtimeOf(setup: BackendSetup): RuntimeStanding
  all(): readonly EdgeHost[]
  /** Ends workers that hold no model and have nothing to do, after a while. */
  sweep(): void
  /** Ends all workers, and starts none again. */
  closeAll(reason: Error): void
}

/** The smallest runtime file that serves a backend in this browser. */
export function flavorOf(backend: BackendSetup['backend'], hasJspi = detectJspi()): RuntimeFlavor {
  if (backend === 'wasm') return 'wasm'
  return hasJspi ? 'jspi' : 'asyncify'
}

export function createEdgeHosts(options: {
  readonly startWorker: () => Worker
  /** Told each time that a worker dies, with the setups it served. */
  readonly onDeath: (host: EdgeHost, reason: Error) => void
  readonly onRuntime?: ((opened: RuntimeProgress) => void) | undefined
  readonly timers?: Timers
}): EdgeHosts {
  const { onDeath, onRuntime, timers = systemTimers } = options
  let ended: Error | undefined
  // What was under way when the engine was closed would else start a worker that nobody ends.
  const startWorker = () => {
    if (ended !== undefined) throw ended
    return options.startWorker()
  }
  const hosts = new Map<string, EdgeHost>()
  const sweeps = new Map<EdgeHost, unknown>()

  const sweepLater = (host: EdgeHost) => {
    if (sweeps.has(host)) return
    sweeps.set(
      host,
      timers.setTimeout(() => {
        sweeps.delete(host)
        if (host.idle) host.rest()
        else if (host.alive) sweepLater(host)
      }, idleMs),
    )
  }

  // WebGPU and WebNN share their runtime file, and so their worker.
  const idOf = (setup: BackendSetup, flavor: RuntimeFlavor) => (flavor === 'wasm' ? setupId(setup) : flavor)

  return {
    runtimeOf(setup) {
      const flavor = flavorOf(setup.backend)
      return hosts.get(idOf(setup, flavor))?.runtime ?? { flavor, isOpen: false }
    },
    of(setup) {
      const flavor = flavorOf(setup.backend)
      const id = idOf(setup, flavor)
      const known = hosts.get(id)
      if (known !== undefined) return known
      const host: EdgeHost = createEdgeHost({
        flavor,
        threads: setup.threads,
        startWorker,
        onDeath: (reason) => onDeath(host, reason),
        onRuntime,
      })
      hosts.set(id, host)
      return host
    },
    all: () => [...hosts.values()],
    sweep() {
      for (const host of hosts.values()) if (host.idle) sweepLater(host)
    },
    closeAll(reason) {
      ended ??= reason
      for (const timer of sweeps.values()) timers.clearTimeout(timer)
      sweeps.clear()
      for (const host of hosts.values()) host.terminate(reason)
      hosts.clear()
    },
  }
}
