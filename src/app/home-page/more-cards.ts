import { nextTask } from '../../ui/base/next-task.ts'

/**
 * Fetches the cards below the first one, which come when they are near. One after the other: shown at once they would
 * hold up the page on a slow device.
 *
 * @throws {TypeError} one can't be fetched
 */
export async function loadCards(): Promise<void> {
  for (const load of [
    () => import('./text-card.ts'),
    () => import('./picture-card.ts'),
    () => import('./sound-card.ts'),
    () => import('./write-card.ts'),
  ]) {
    await load()
    await nextTask()
  }
}
