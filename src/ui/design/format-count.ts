import { noFigure } from './no-figure.ts'

/** A whole number, grouped as the language does; large ones rounded: `1,234`, `56.7K`. */
export const formatCount = (count: number, language: string): string =>
  count < 100_000
    ? new Intl.NumberFormat(language).format(Math.round(count))
    : new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 3 }).format(count)

/** A part of a whole in per cent. A part near 0 or the whole gets a second digit, so that it isn't rounded to none or all. */
export function formatShare(part: number, whole: number, language: string): string {
  if (whole === 0) return noFigure
  const share = part / whole
  const digits = share > 0 && share < 0.01 ? 2 : share > 0.99 && share < 1 ? 2 : 1
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: digits }).format(share)
}
