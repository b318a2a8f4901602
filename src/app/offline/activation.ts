/** What a page tells the waiting version when the person takes it. */
export const activation = { type: 'hither-activate' } as const

export const isActivation = (message: unknown): boolean =>
  typeof message === 'object' && message !== null && 'type' in message && message.type === activation.type
