import type { Locks } from './leadership.ts'

/**
 * Holds a lock as long as this tab lives: another tab that waits for it sees when this one has ended.
 *
 * @returns lets it go
 */
export function holdLifeLock(locks: Locks, lifeLock: string): () => void {
  const living = new AbortController()
  const { signal } = living
  const untilLetGo = () => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
  locks.request(lifeLock, { signal }, untilLetGo).catch(() => {})
  return () => living.abort()
}
