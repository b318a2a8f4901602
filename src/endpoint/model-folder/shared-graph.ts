/** A model's files, in shared memory: no thread holds a copy of its own until it makes its session. */
export interface SharedGraph {
  readonly graph: SharedArrayBuffer
  /** Weights outside the graph, by the path that the graph names. */
  readonly externalData: ReadonlyMap<string, SharedArrayBuffer>
}
