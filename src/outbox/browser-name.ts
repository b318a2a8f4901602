/** A browser's family and major version, as far as its user agent tells: what a failure may hang on, and no more. */
export function browserName(userAgent: string): { readonly family: string; readonly version: string } {
  for (const [family, pattern] of families) {
    const version = pattern.exec(userAgent)?.[1]
    if (version !== undefined) return { family, version }
  }
  return { family: 'other', version: '' }
}

/** The more particular come first: most browsers also name the ones they stem from. */
const families: readonly (readonly [string, RegExp])[] = [
  ['Edge', /\bEdg(?:A|iOS)?\/(\d+)/],
  ['Opera', /\bOPR\/(\d+)/],
  ['Samsung Internet', /\bSamsungBrowser\/(\d+)/],
  ['Firefox', /\b(?:Firefox|FxiOS)\/(\d+)/],
  ['Chrome', /\b(?:Chrome|HeadlessChrome|CriOS)\/(\d+)/],
  ['Safari', /\bVersion\/(\d+)[\d.]* (?:Mobile\/\w+ )?Safari\//],
]
