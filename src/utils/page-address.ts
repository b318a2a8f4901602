interface Surroundings {
  readonly document?: { readonly baseURI?: string }
  readonly location?: { readonly href: string; readonly origin: string }
  readonly origin?: string
}
const surroundings = (): Surroundings => globalThis as Surroundings

/**
 * What relative addresses are relative to: a page's base address, and a worker's own. A frame with `srcdoc` has its
 * parent's base, while its location is `about:srcdoc`. Undefined in Node.
 */
export const baseAddress = (): string | undefined => surroundings().document?.baseURI ?? surroundings().location?.href

/** The origin that this code runs in. A frame with `srcdoc` has its parent's, while its location has none. */
export const ownOrigin = (): string | undefined => surroundings().origin ?? surroundings().location?.origin
