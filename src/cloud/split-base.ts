/** The server's root, and where its API is where the address says that. */
export function splitBase(url: string): { readonly root: string; readonly base: string | undefined } {
  const base = ['/openai/v1', '/v1', '/v3'].find((each) => url.endsWith(each))
  return base === undefined ? { root: url, base } : { root: url.slice(0, -base.length), base }
}
