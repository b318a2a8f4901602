/** Bytes of all the model's files. */
export const totalBytesOf = ({ files }: { readonly files: readonly { readonly bytes: number }[] }): number =>
  files.reduce((sum, file) => sum + file.bytes, 0)
