import { createSuite, type SealingKeyPair, type SealingKeys, toBase64Url, toHex } from '../../protocol/sealing.ts'

/** The endpoint's key pairs for sealed requests. They follow from a seed and the time, so nothing is stored. */
export interface SealingKeyRing {
  /** What is published: the key to seal to now. */
  published(): Promise<SealingKeys>
  /** The key pair of an id, while requests that are sealed to it are still taken. */
  find(id: string): Promise<SealingKeyPair | undefined>
  /** Seconds that what is published may be kept. */
  readonly maxAgeSeconds: number
}

/** A key is used for so long, and taken for as long again. */
const defaultPeriodMs = 24 * 60 * 60 * 1000

const utf8 = new TextEncoder()

/**
 * @param options.seed 32 random bytes or more. Endpoints that share it have the same keys at the same time, and whoever
 *   has it can open what was ever sealed to them
 */
export function createSealingKeyRing(options: {
  readonly seed: Uint8Array<ArrayBuffer>
  readonly periodMs?: number
  readonly now?: () => number
}): SealingKeyRing {
  const { seed, periodMs = defaultPeriodMs, now = Date.now } = options
  const suite = createSuite()
  const pairs = new Map<
    number,
    Promise<{ readonly pair: SealingKeyPair; readonly id: string; readonly publicKey: string }>
  >()

  const derive = async (period: number) => {
    const base = await crypto.subtle.importKey('raw', seed, 'HKDF', false, ['deriveBits'])
    const info = utf8.encode(`hither sealing key ${period}`)
    const bits = await crypto.subtle.deriveBits(
      { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info },
      base,
      256,
    )
    const pair = await suite.kem.deriveKeyPair(bits)
    const raw = await suite.kem.serializePublicKey(pair.publicKey)
    const id = toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', raw)).subarray(0, 8))
    return { pair, id, publicKey: toBase64Url(new Uint8Array(raw)) }
  }
  const at = (period: number) => {
    const known = pairs.get(period) ?? derive(period)
    pairs.set(period, known)
    for (const each of pairs.keys()) if (each < period - 2) pairs.delete(each)
    return known
  }
  const current = () => Math.floor(now() / periodMs)

  return {
    async published() {
      const period = current()
      const { id, publicKey } = await at(period)
      const notAfter = new Date((period + 2) * periodMs - 1).toISOString()
      return { format: 1, keys: [{ id, suite: 'X25519-HKDF-SHA256-AES-128-GCM', publicKey, notAfter }] }
    },
    async find(id) {
      // The next one too: another endpoint's clock may be ahead.
      for (const period of [current(), current() - 1, current() + 1]) {
        const key = await at(period)
        if (key.id === id) return key.pair
      }
      return undefined
    },
    // A key that is fetched just before the period ends is still taken for a whole one.
    maxAgeSeconds: Math.floor(Math.min(3600, periodMs / 4000)),
  }
}
