/** A model's address. The version is left out unless it was asked for: KServe answers 501 to any address with one. */
export const modelPath = (model: string, version?: string): string =>
  `/v2/models/${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${encodeURIComponent(version)}`}`
