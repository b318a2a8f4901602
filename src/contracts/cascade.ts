/** Every outcome of a cascade, with its sentence for people. The list is closed. */
export const cascadeOutcomes = {
  confident: 'The small model was sure enough, so the large one was not asked.',
  'large-answered': 'The small model was not sure enough, so the large one answered.',
  'large-absent': 'The small model was not sure, but the large one is not here yet, and no endpoint could be asked.',
  'large-too-late': 'The small model was not sure, but the large one was not to be expected in time.',
  'large-failed': 'The small model was not sure, but the large one could not answer.',
} as const

export type CascadeOutcome = keyof typeof cascadeOutcomes
