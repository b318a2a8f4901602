/** Ends the task under way: what follows is one of its own, and the page can answer in between. */
export const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))
