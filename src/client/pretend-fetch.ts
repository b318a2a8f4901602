import type { SimulatedNetwork } from '../network/simulated-network.ts'

/** The browser's `fetch` as it would be on another network; what does that is fetched with the first request. */
export const pretendFetch =
  (network: SimulatedNetwork): typeof globalThis.fetch =>
  async (input, init) => {
    const { shapeFetch } = await import('../network/simulated-network.ts')
    return shapeFetch((...args) => globalThis.fetch(...args), network)(input, init)
  }
