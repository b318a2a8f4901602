import { str, t } from '../texts/text.ts'

const space = '\u00a0'

/** A duration for people: `0.42 ms`, `7.1 ms`, `240 ms`, `1.24 s`, `2 min 5 s`. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms) || ms < 0) return '–'
  if (ms < 0.995) return `${ms.toFixed(2)}${space}ms`
  if (ms < 9.95) return `${ms.toFixed(1)}${space}ms`
  if (ms < 999.5) return `${Math.round(ms)}${space}ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)}${space}s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}${space}min${space}${seconds % 60}${space}s`
}

/** How long ago something was: `just now`, `12 s ago`, `3 min ago`, `2 h ago`. */
export function formatAge(ms: number): string {
  if (!Number.isFinite(ms) || ms < 1500) return t('age.now', 'just now')
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return t('age.seconds', str`${seconds}\u00a0s ago`)
  const minutes = Math.round(seconds / 60)
  if (minutes < 60) return t('age.minutes', str`${minutes}\u00a0min ago`)
  return t('age.hours', str`${Math.round(minutes / 60)}\u00a0h ago`)
}
