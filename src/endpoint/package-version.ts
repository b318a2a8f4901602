import { readFile } from 'node:fs/promises'
import * as v from 'valibot'

/** This package's version. The file lies two folders up from here, in the sources and in what is built from them. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return v.parse(v.object({ version: v.string() }), JSON.parse(text)).version
}
