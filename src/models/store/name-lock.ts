/** What the locks of models' names begin with. */
export const nameLocks = 'hither-model:'

/** Held while a model is added under a name, or removed from it. */
export const nameLock = (name: string): string => nameLocks + name
