const methods = 'extra extend each clone merge keys first last remove empty add run open close watch on emit'.split(' ')

/**
 * A page whose other scripts have extended what every object, array and text has, before the library came: a frame of
 * this origin.
 *
 * @param script of a module of the page
 */
export async function openExtendedPage(
  script: string,
): Promise<{ readonly page: Window & typeof globalThis; close(): void }> {
  const frame = document.createElement('iframe')
  frame.srcdoc = `<!doctype html><body><script>
    for (const { prototype } of [Object, Array, String, Number, Boolean, Function, Promise, Map, Date]) {
      // As Prototype.js, MooTools and home-made libraries call theirs, and some that the library's own words are, too.
      for (const name of ${JSON.stringify(methods)}) {
        if (!Object.hasOwn(prototype, name)) prototype[name] = function () { return this }
      }
      prototype.toJSON = function () { return 'changed' }
    }
    // The test runner's server has every import() of its modules go through this.
    globalThis.__vitest_browser_runner__ = { wrapDynamicImport: (load) => load() }
  </script><script type="module">
    ${script}
    parent.postMessage('extended', '*')
  </script>`
  const ready = new Promise((resolve) =>
    addEventListener('message', ({ data }) => data === 'extended' && resolve(data)),
  )
  document.body.append(frame)
  await ready
  return { page: frame.contentWindow as Window & typeof globalThis, close: () => frame.remove() }
}
