/** The other side's methods, as they are called from this side: each answers with a promise. */
export type Remote<M extends object> = {
  readonly [K in keyof M]: M[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never
}
