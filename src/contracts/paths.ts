import * as v from 'valibot'

/** Control characters and half characters are of no file's name; a backslash separates folders on some systems only. */
const namesNoFile = /[\p{Cc}\p{Cs}\\]/u
/** The begin of an absolute path, of an address or of a drive. Other colons are of a name: `onnx::MatMul_1`. */
const leadsElsewhere = /^\/|^[A-Za-z]:|^[A-Za-z][A-Za-z0-9+.-]*:\//

export const mostPathCharacters = 300

/** Can it be a file's path below the manifest's folder: no way up, no absolute address, nothing that names no file? */
export const isRelativePath = (path: string): boolean =>
  !namesNoFile.test(path) && !leadsElsewhere.test(path) && !path.split('/').includes('..')

/** A path below the manifest's folder. Blanks, brackets, `#` and any letters are allowed. */
export const relativePathSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(mostPathCharacters),
  v.check(isRelativePath, 'a file path must be relative and stay below the manifest'),
)
