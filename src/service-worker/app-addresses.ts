/** The app's own addresses, told by the service worker's scope: other things may live at the same origin, and below it. */
export interface AppAddresses {
  /** An address of the app's one page. Its query and its hash are the app's own. */
  isPage(url: URL): boolean
  /** One of the app's files, whose names hold their content's hash. */
  isAsset(url: URL): boolean
  /** The address that files are shared with, as the web manifest says. */
  isShare(url: URL): boolean
}

/** @param scope address of the service worker's scope, which ends with a slash */
export function createAppAddresses(scope: string): AppAddresses {
  const { origin, pathname: base } = new URL(scope)
  /** The path below the scope; undefined for an address elsewhere. */
  const below = (url: URL) =>
    url.origin === origin && url.pathname.startsWith(base) ? url.pathname.slice(base.length) : undefined
  return {
    isPage: (url) => ['', 'index.html'].includes(below(url) ?? '-'),
    isAsset: (url) => below(url)?.startsWith('assets/') === true,
    isShare: (url) => below(url) === 'share',
  }
}
