/** Largest finite float16. */
export const maxFloat16 = 65_504

const view = new DataView(new ArrayBuffer(8))

/**
 * The float16 nearest to a number, as its 16 bits; ties go to the even one. Numbers from 65,520 on become infinity.
 *
 * Source: IEEE 754-2019, binary16. Rounded straight from binary64: by way of binary32 it would be rounded twice.
 */
export function toFloat16Bits(value: number): number {
  view.setFloat64(0, value)
  const sign = (view.getUint8(0) & 0x80) << 8
  const size = Math.abs(value)
  if (Number.isNaN(value)) return 0x7e00
  if (size >= 65_520) return sign | 0x7c00
  // A float16 below 2⁻¹⁴ counts in steps of 2⁻²⁴, one above in steps of 2⁻¹⁰ of its own power of two.
  const exponent = size < 2 ** -14 ? -14 : Math.floor(Math.log2(size))
  const power = 2 ** exponent > size && exponent > -14 ? exponent - 1 : exponent
  const steps = roundHalfToEven(size / 2 ** (power - 10))
  // A mantissa that rounds up to 2¹¹ carries into the exponent by itself.
  return sign | (((power + 14) << 10) + steps)
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (rest < 0.5) return floor
  if (rest > 0.5) return floor + 1
  return floor % 2 === 0 ? floor : floor + 1
}

/** The number that a float16's 16 bits stand for. */
export function fromFloat16Bits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1
  const exponent = (bits >> 10) & 0x1f
  const mantissa = bits & 0x3ff
  if (exponent === 0x1f) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25)
}
