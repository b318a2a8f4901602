/** Round numbers between two positive ones, for an axis whose scale is logarithmic: few enough to be read. */
export function logTicks(min: number, max: number): number[] {
  const decades = Math.log10(max / min)
  const leading = decades <= 2 ? [1, 2, 5] : decades <= 3 ? [1, 3] : [1]
  const ticks: number[] = []
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power += 1) {
    ticks.push(...leading.map((digit) => digit * 10 ** power).filter((tick) => tick >= min && tick <= max))
  }
  return ticks
}
