import { str, t } from './text.ts'

/** How long ago something was: `just now`, `12 s ago`, `3 min ago`, `2 h ago`. */
export function formatAge(ms: number): string {
  if (!Number.isFinite(ms) || ms < 1500) return t('age.now', 'just now')
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return t('age.seconds', str`${seconds}\u00a0s ago`)
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return t('age.minutes', str`${minutes}\u00a0min ago`)
  return t('age.hours', str`${Math.round(minutes / 60)}\u00a0h ago`)
}
