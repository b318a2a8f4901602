/** A part of an address as people read it. One that is no escaped text, such as `100%.onnx`, stays as it is. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
