interface BatteryLike {
  readonly charging: boolean
  /** 0 to 1. */
  readonly level: number
  addEventListener?(type: string, listener: () => void): void
  removeEventListener?(type: string, listener: () => void): void
}

interface NavigatorLike {
  getBattery?(): Promise<BatteryLike>
}

/** What the browser says of the battery, where it says anything (Chromium). */
export interface PowerWatcher {
  /** The battery is low and nothing charges it: no run that may be in vain. False where nothing is known. */
  readonly savePower: boolean
  /** Runs on the battery's own energy; false where nothing is known. */
  readonly onBattery: boolean
  /** Asks the browser for its battery. Never rejects, waits for nothing. */
  start(): void
  stop(): void
}

/** Below this share of its charge a battery is low. */
const lowLevel = 0.2

/** @param options.navigator default: the browser's */
export function createPowerWatcher(options: { readonly navigator?: NavigatorLike | undefined } = {}): PowerWatcher {
  const navigator =
    'navigator' in options ? options.navigator : (globalThis as { readonly navigator?: NavigatorLike }).navigator
  let battery: BatteryLike | undefined
  let asked = false
  let stopped = false
  let now = { savePower: false, onBattery: false }

  const read = () => {
    if (battery === undefined) return
    const { charging, level } = battery
    now = { savePower: !charging && level < lowLevel, onBattery: !charging }
  }
  const events = ['chargingchange', 'levelchange']

  return {
    get savePower() {
      return now.savePower
    },
    get onBattery() {
      return now.onBattery
    },
    start() {
      if (asked) return
      asked = true
      const ask = async () => {
        const found = await navigator?.getBattery?.()
        if (found === undefined || stopped) return
        battery = found
        read()
        for (const event of events) found.addEventListener?.(event, read)
      }
      ask().catch(() => {}) // a page may be forbidden to ask
    },
    stop() {
      stopped = true
      for (const event of events) battery?.removeEventListener?.(event, read)
      battery = undefined
    },
  }
}
