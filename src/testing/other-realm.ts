/** A window of this origin whose classes are not this realm's: a frame, as a page may make one. Taken away by `close`. */
export function openOtherRealm(): { readonly realm: Window & typeof globalThis; close(): void } {
  const frame = document.createElement('iframe')
  document.body.append(frame)
  const realm = frame.contentWindow as Window & typeof globalThis
  return { realm, close: () => frame.remove() }
}
