import type { OutboxState } from '../../outbox/create-outbox.ts'

/** Reports to the endpoint: sent, waiting and dropped. @see ClientOptions.report */
export interface OutboxApi {
  /** How many wait, were sent, and were dropped, and why. */
  state(): Promise<OutboxState>
  /** Sends what waits, now. Never rejects: `state().problem` says what stands in the way. */
  flush(): Promise<void>
  /** Everything that is kept on this device, as JSON lines. */
  export(): Promise<string>
  /**
   * Forgets what waits and the dead letters, and takes a new random name for this installation.
   *
   * @throws {CapabilityError} `storage-unavailable`, as all of these: the outbox's script could not be fetched
   */
  clear(): Promise<void>
  /** The person's own switch: off, nothing is recorded, and what waits is forgotten. Kept from visit to visit. */
  setEnabled(enabled: boolean): Promise<void>
}
