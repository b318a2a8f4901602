/**
 * The path of the file that a graph names as the place of its weights: `.\parts\w.bin` is `parts/w.bin`. A graph names
 * it in the spelling of the system that it was written on, and the runtime asks for it in that very spelling.
 *
 * @param location as the graph has it
 */
export function toFilePath(location: string): string {
  const parts: string[] = []
  for (const part of location.replace(/^[A-Za-z]:/, '').split(/[\\/]/)) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

/** A file's path as a part of an address: `#`, `?`, `%` and blanks are of its name. */
export const encodePath = (path: string): string => path.split('/').map(encodeURIComponent).join('/')
