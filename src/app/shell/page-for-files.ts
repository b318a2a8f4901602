import type { PageName } from './pages.ts'

/** Files that are models, or parts of one, by their names. */
const modelNames = /\.(onnx|ort|zip|onnx[._-]?data|safetensors|pt|pth|pb|tflite|h5|keras|gguf)$/i
/** What the tasks on the home page take. */
const forTasks = /^(image|audio|video|text)\//

/** The page that files are for: models are added on theirs, whichever page they are dropped on. */
export function pageFor(files: readonly Pick<File, 'name' | 'type'>[], shown: PageName): 'models' | 'home' {
  if (files.some(({ name }) => modelNames.test(name))) return 'models'
  // Weights may be called anything.
  return shown === 'models' && !files.some(({ type }) => forTasks.test(type)) ? 'models' : 'home'
}
