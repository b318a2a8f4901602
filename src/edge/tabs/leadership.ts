import { isErrorLike } from '../../errors/is-error-like.ts'

/** The part of the Web Locks API that the election uses. */
export type Locks = Pick<LockManager, 'request'>

/** A tab's part in the election: one tab of the origin leads, the others wait to take over. */
export interface Leadership {
  /** Takes the lead from a tab that does not answer. */
  seize(): void
  /** Leaves the election; a leader's place goes to the next one. */
  leave(): void
}

/** What a frame of another site without storage is answered: there are no locks for it. */
const isRefused = (error: unknown): boolean => isErrorLike(error) && error.name === 'SecurityError'

/**
 * Stands for election. The browser gives the lock to the next tab as soon as the leader's tab has closed or crashed. Where the browser
 * gives no locks, as to a frame of another site without storage, each page leads by itself.
 *
 * @param onLead this tab leads now
 * @param onDeposed another tab has seized the lead
 */
export function standForElection(
  locks: Locks,
  name: string,
  { onLead, onDeposed }: { readonly onLead: () => void; readonly onDeposed: () => void },
): Leadership {
  const leaving = new AbortController()
  let release = () => {}

  /** Never rejects. */
  const stand = async (steal: boolean): Promise<void> => {
    let leads = false
    const held = async () => {
      if (leaving.signal.aborted) return
      leads = true
      onLead()
      await new Promise<void>((resolve) => {
        release = resolve
      })
    }
    try {
      // A request that steals may not be aborted by a signal.
      await locks.request(name, steal ? { steal } : { signal: leaving.signal }, held)
    } catch (error) {
      if (leaving.signal.aborted) return
      if (leads) {
        onDeposed()
        await stand(false)
      } else if (!steal && isRefused(error)) onLead()
      // Anything else is a document that is going away.
    }
  }
  void stand(false)

  return {
    seize: () => void stand(true),
    leave() {
      leaving.abort()
      release()
    },
  }
}
