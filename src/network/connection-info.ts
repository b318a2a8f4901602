/**
 * What `navigator.connection` says where it exists (Chromium). Rounded, capped at 10 Mbit/s and without an uplink,
 * it is an assumption to start from and an event, never a measurement.
 */
export interface ConnectionInfo {
  /** Round trip in milliseconds, rounded to 25. */
  readonly rtt?: number
  /** Downlink in megabits per second. */
  readonly downlink?: number
  /** `wifi`, `cellular` and the like; only on phones. */
  readonly type?: string
  /** `slow-2g` to `4g`. */
  readonly effectiveType?: string
  readonly saveData?: boolean
}
