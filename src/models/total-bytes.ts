import type { Manifest } from '../contracts/manifest.ts'

/** Bytes of all the model's files. */
export const totalBytesOf = ({ files }: Pick<Manifest, 'files'>): number =>
  files.reduce((sum, file) => sum + file.bytes, 0)
