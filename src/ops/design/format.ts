const space = '\u00a0'

/** What the page shows where there is nothing to show. */
export const nothing = '–'

/** A whole number, grouped as the language does; large ones rounded: `1,234`, `56.7K`. */
export const formatCount = (count: number, language: string): string =>
  count < 100_000
    ? new Intl.NumberFormat(language).format(Math.round(count))
    : new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 }).format(count)

export const formatRate = (perSecond: number, language: string): string =>
  new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }).format(perSecond)

/** A part of a whole; a small one is not shown as none. */
export function formatShare(part: number, whole: number, language: string): string {
  if (whole === 0) return nothing
  const share = part / whole
  const digits = share > 0 && share < 0.01 ? 2 : share > 0.99 && share < 1 ? 2 : 1
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: digits }).format(share)
}

/** A duration: `0.42 ms`, `7.1 ms`, `240 ms`, `1.24 s`. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return nothing
  if (ms < 0.995) return `${ms.toFixed(2)}${space}ms`
  if (ms < 9.95) return `${ms.toFixed(1)}${space}ms`
  if (ms < 999.5) return `${Math.round(ms)}${space}ms`
  return `${(ms / 1000).toFixed(ms < 9_995 ? 2 : 1)}${space}s`
}
