/** The value, or the nearer end of the range. NaN stays NaN. */
export const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value))
