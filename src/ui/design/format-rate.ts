import { noFigure } from './no-figure.ts'

const three = (value: number): string => {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 9.95 ? value.toFixed(1) : value.toFixed(2)
}

/** A link's speed for people: `640 kbit/s`, `12.4 Mbit/s`, `1.00 Gbit/s`. */
export function formatBitRate(bitsPerSecond: number): string {
  if (!Number.isFinite(bitsPerSecond) || bitsPerSecond < 0) return noFigure
  if (bitsPerSecond < 999_500) return `${Math.round(bitsPerSecond / 1000)}\u00a0kbit/s`
  if (bitsPerSecond < 999_500_000) return `${three(bitsPerSecond / 1e6)}\u00a0Mbit/s`
  return `${three(bitsPerSecond / 1e9)}\u00a0Gbit/s`
}

/** A backend's speed for people, in millions of multiply-accumulates a second: `1,240 M MAC/s`. */
export function formatMacRate(macsPerSecond: number): string {
  if (!Number.isFinite(macsPerSecond) || macsPerSecond < 0) return noFigure
  return `${three(macsPerSecond / 1e6)}\u00a0M\u00a0MAC/s`
}

/** Tokens a second: a place after the point below ten. */
export const formatTokenRate = (tokensPerSecond: number): string =>
  tokensPerSecond.toFixed(tokensPerSecond < 10 ? 1 : 0)

/** How often something happens, in the language's own figures: `0.0123`, `3.4`. */
export const formatRate = (perSecond: number, language: string): string =>
  new Intl.NumberFormat(language, { maximumSignificantDigits: 3 }).format(perSecond)
