// onnxruntime-web and onnxruntime-node, cut down to what Hither uses of them. Both bring install scripts, which packages
// of ours shall not have: onnxruntime-node's downloads CUDA libraries from a host of its own and fails where only the
// registry is reached; onnxruntime-web lists protobufjs, whose script prints a warning, and which no build of it imports.
// So they travel inside of our packages (`bundleDependencies`), without scripts and without what only installing needs.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const modules = 'node_modules'
const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** The builds that `src/edge/worker/runtime.ts` loads, by the names under which it imports them. */
const webBuilds = ['wasm', 'jspi', 'webgpu']
const webRuntimes = ['', '.jspi', '.asyncify']

/** Files of Windows' GPU backends, which the CPU backend never loads. */
const gpuOnly = new Set(['DirectML.dll', 'dxcompiler.dll', 'dxil.dll'])

/** The manifest of a cut down package: no scripts, no dependencies but the one that is used at run time. */
function toManifest(manifest, changes) {
  const { name, version, description, license, author, repository, main, types, os } = manifest
  const { 'onnxruntime-common': common } = manifest.dependencies
  const kept = { name, version, description, license, author, repository, main, types, os, ...changes }
  return { ...kept, dependencies: { 'onnxruntime-common': common } }
}

function write(target, manifest, note, files, from) {
  rmSync(target, { recursive: true, force: true })
  for (const file of ['README.md', ...files]) {
    mkdirSync(dirname(join(target, file)), { recursive: true })
    cpSync(join(from, file), join(target, file))
  }
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(join(target, 'HITHER.md'), `${note}\n`)
}

/** Copies onnxruntime-web's WASM and WebGPU builds: 3 of its 8 entries, no maps and nothing for Node. */
export function writeOnnxruntimeWeb(target) {
  const from = join(modules, 'onnxruntime-web')
  const manifest = readJson(join(from, 'package.json'))
  const runtimes = webRuntimes.flatMap((end) => ['wasm', 'mjs'].map((kind) => `./ort-wasm-simd-threaded${end}.${kind}`))
  const builds = webBuilds.map((name) => {
    const { types, import: paths } = manifest.exports[`./${name}`]
    return [`./${name}`, { types, default: paths }]
  })
  const exports = Object.fromEntries([...builds, ...runtimes.map((name) => [name, manifest.exports[name]])])
  const files = [...builds.flatMap(([, entry]) => Object.values(entry.default)), ...Object.values(exports)]
  const named = files.filter((file) => typeof file === 'string').map((file) => file.slice(2))
  const note = `This is onnxruntime-web ${manifest.version} as its authors publish it (MIT licence, see package.json), cut down to the builds that Hither loads. What Hither left out: the other builds, source maps, and the dependencies that no build imports.`
  write(target, toManifest(manifest, { main: undefined, exports }), note, ['types.d.ts', ...named], from)
}

/** Copies onnxruntime-node with its CPU binaries for every system that it has. */
export function writeOnnxruntimeNode(target) {
  const from = join(modules, 'onnxruntime-node')
  const manifest = readJson(join(from, 'package.json'))
  const inBin = readdirSync(join(from, 'bin'), { recursive: true, withFileTypes: true })
  const binaries = inBin
    // macOS has the same library twice, where npm can't keep the link; the binding loads the one with the short name.
    .filter((entry) => entry.isFile() && !gpuOnly.has(entry.name) && !/^libonnxruntime\.\d+\.\d/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name).slice(from.length + 1))
  const code = readdirSync(join(from, 'dist')).filter((name) => /\.(js|d\.ts)$/.test(name))
  const note = `This is onnxruntime-node ${manifest.version} as its authors publish it (MIT licence, see package.json), cut down to its CPU binaries. What Hither left out: the install script, which downloads CUDA libraries, the dependencies of that script, and DirectX.`
  write(target, toManifest(manifest), note, [...code.map((name) => join('dist', name)), ...binaries], from)
}
