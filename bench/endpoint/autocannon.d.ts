// autocannon has no types of its own; these are the parts that the bench uses.
declare module 'autocannon' {
  interface Options {
    readonly url: string
    readonly method?: 'GET' | 'POST'
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Buffer
    readonly connections?: number
    /** Seconds. */
    readonly duration?: number
    /** Requests a second over all connections. */
    readonly overallRate?: number
    /** Seconds. */
    readonly timeout?: number
  }
  interface Result {
    readonly '2xx': number
    readonly non2xx: number
    readonly errors: number
    /** Seconds. */
    readonly duration: number
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number }
  }
  export default function autocannon(options: Options): Promise<Result>
}
