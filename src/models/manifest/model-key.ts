import type { Manifest } from '../../contracts/manifest.ts'

/** What a model goes by wherever it is remembered: `name@revision`. */
export const modelKey = ({ name, revision }: Pick<Manifest, 'name' | 'revision'>): string => `${name}@${revision}`
