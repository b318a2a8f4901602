/** Ends the task under way: what follows is one of its own, and the page can answer in between. */
export const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

/** Ends it, and waits until what it changed has been painted; no longer than a moment where nothing is, as in the background. */
export const painted = (): Promise<void> =>
  new Promise((resolve) => {
    const done = setTimeout(resolve, 200)
    requestAnimationFrame(() => {
      clearTimeout(done)
      setTimeout(resolve)
    })
  })
