/** Zero crossings of the sinc on each side: with the window below, what folds back is under −80 dB. */
const crossings = 24
/** Points of the table between two crossings; between points it is interpolated. */
const points = 512
/** Kaiser's window: this beta gives about −90 dB of stop band. */
const beta = 9
/** The pass band ends a little below half the lower rate, so that the filter's slope ends at it. */
const passShare = 0.92

/** Modified Bessel function of the first kind and order zero, by its series. */
function bessel(x: number): number {
  let sum = 1
  let term = 1
  for (let k = 1; k < 60; k += 1) {
    term *= (x / (2 * k)) ** 2
    sum += term
  }
  return sum
}

/** One side of the windowed sinc, sampled finely. */
function makeTable(): Float32Array {
  const table = new Float32Array(crossings * points + 2)
  for (let i = 0; i <= crossings * points; i += 1) {
    const x = i / points
    const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x)
    table[i] = (sinc * bessel(beta * Math.sqrt(1 - (x / crossings) ** 2))) / bessel(beta)
  }
  return table
}

/** Turns sound from one rate into another, piece by piece. */
export interface Resampler {
  /** The samples that are known once `samples` have come. */
  push(samples: Float32Array): Float32Array
  /** The rest, as if silence followed. */
  end(): Float32Array
}

/**
 * Band-limited resampling with a windowed sinc, whatever the two rates are. What lies above half the lower rate is
 * filtered out, and does not come back as another tone. Equal rates pass unchanged.
 *
 * Source: J. O. Smith, Digital Audio Resampling, https://ccrma.stanford.edu/~jos/resample/
 */
export function createResampler(fromHz: number, toHz: number): Resampler {
  if (fromHz === toHz) return { push: (samples) => samples, end: () => new Float32Array() }
  const table = makeTable()
  /** Cut-off, as a share of the incoming rate's half. */
  const cutoff = passShare * Math.min(1, toHz / fromHz)
  /** How far the filter reaches, in incoming samples. */
  const reach = Math.ceil(crossings / cutoff)
  const step = fromHz / toHz
  /** Incoming samples from `start` on; before the first there is silence. */
  let held = new Float32Array(reach)
  let start = -reach
  let arrived = 0
  let made = 0

  const weightAt = (distance: number): number => {
    const at = Math.abs(distance) * cutoff * points
    const index = Math.floor(at)
    if (index >= crossings * points) return 0
    const low = table[index] ?? 0
    return low + ((table[index + 1] ?? 0) - low) * (at - index)
  }

  const append = (samples: Float32Array) => {
    const joined = new Float32Array(held.length + samples.length)
    joined.set(held)
    joined.set(samples, held.length)
    held = joined
  }

  const make = (until: number): Float32Array => {
    const count = Math.max(0, until - made)
    const out = new Float32Array(count)
    for (let i = 0; i < count; i += 1) {
      const centre = (made + i) * step
      const first = Math.ceil(centre - reach)
      const last = Math.floor(centre + reach)
      let sum = 0
      for (let at = first; at <= last; at += 1) sum += (held[at - start] ?? 0) * weightAt(at - centre)
      out[i] = sum * cutoff
    }
    made += count
    // What no later sample looks at any more.
    const keepFrom = Math.max(start, Math.floor(made * step) - reach - 1)
    held = held.slice(Math.min(held.length, keepFrom - start))
    start = keepFrom
    return out
  }

  return {
    push(samples) {
      append(samples)
      arrived += samples.length
      // A sample is known once all that its filter reaches has arrived.
      return make(Math.max(made, Math.floor((arrived - 1 - reach) / step) + 1))
    },
    end() {
      append(new Float32Array(reach + 1))
      return make(Math.max(made, Math.ceil(arrived / step)))
    },
  }
}
