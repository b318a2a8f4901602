// npm run bench -- NAME [flags] [--json]: measures, side by side with its peers in one run. With --json the last line
// of standard output is one JSON object. Without a name it lists the benches. What a bench measures is built first,
// unless it was built from these very files; --built leaves that out.
import { execFileSync } from 'node:child_process'
import { type Bench, parseFlags } from './support/bench.ts'

interface Entry {
  /** What it measures. */
  readonly about: string
  /** It measures the built product. */
  readonly isBuilt?: boolean
  readonly load: () => Promise<{ readonly bench: Bench }>
}

const benches: Record<string, Entry> = {
  language: {
    about: 'The language-identification model beside eld, tinyld and franc, on lines it was not trained on',
    load: async () => ({ bench: (await import('./language/run.ts')).bench }),
  },
  intents: {
    about: 'The intents models, alone and as a cascade, on queries they were not trained on',
    load: () => import('./intents.bench.ts'),
  },
  endpoint: {
    about: 'The endpoint at saturation, half and ten times its load, beside the same threads without it',
    isBuilt: true,
    load: () => import('./endpoint.bench.ts'),
  },
  intake: {
    about: 'Reports a second that the endpoint takes, in batches of 100, into SQLite and PostgreSQL',
    isBuilt: true,
    load: () => import('./intake.bench.ts'),
  },
  routing: {
    about: 'The router beside its peers and a clairvoyant, on recorded or synthetic links',
    load: () => import('./routing.bench.ts'),
  },
  'text-routing': {
    about: 'The routing of text beside its peers and a clairvoyant: first tokens, and answers whose arms die',
    load: () => import('./text-routing.bench.ts'),
  },
  handover: {
    about: 'Answers whose writer dies or stalls in their midst, in Chromium: whole or not, and the gap that is seen',
    isBuilt: true,
    load: () => import('./handover.bench.ts'),
  },
  'text-soak': {
    about:
      'Twenty texts at once through a gateway, one connection in twenty cut or silent: what ends whole, and memory',
    isBuilt: true,
    load: () => import('./text-soak.bench.ts'),
  },
  truth: {
    about: 'The routing simulator held against the built product in Chromium, on replayed recordings',
    isBuilt: true,
    load: () => import('./truth.bench.ts'),
  },
  store: {
    about: 'Reads, writes and downloads of models, beside the Cache API, OPFS and Transformers.js',
    load: () => import('./store.bench.ts'),
  },
  overhead: {
    about: 'a request beside onnxruntime-web and Transformers.js; the choice of a backend; memory; taking over',
    isBuilt: true,
    load: () => import('./overhead.ts'),
  },
  'cold-start': {
    about: 'page open to first answer, warm and cold, beside Transformers.js',
    isBuilt: true,
    load: () => import('./cold-start.ts'),
  },
  'first-visit': {
    about: 'How long models take to come on a first visit: predicted, beside what they took',
    isBuilt: true,
    load: () => import('./first-visit.ts'),
  },
  generate: {
    about: 'A language model on WASM: first token, each token, reuse, abort; beside Transformers.js and wllama',
    isBuilt: true,
    load: () => import('./generate.ts'),
  },
  'generate-ids': {
    about: 'Whether a language model writes the tokens here that it writes with Transformers.js',
    isBuilt: true,
    load: () => import('./generate/ids.ts'),
  },
  'generate-llama': {
    about: 'Whether a converted GGUF file writes the texts that a llama.cpp server writes with the file',
    load: () => import('./generate/llama-texts.ts'),
  },
  'text-endpoint': {
    about: 'The endpoint writing text, beside the server of llama.cpp with the same weights; and behind a gateway',
    isBuilt: true,
    load: () => import('./text-endpoint.bench.ts'),
  },
  operators: {
    about: "ONNX's operator tests through the edge worker on WASM and on WebGPU: what each can do",
    isBuilt: true,
    load: () => import('./operators.ts'),
  },
  web: {
    about: 'The built home page: Lighthouse with its mobile preset, and long tasks on a slowed processor',
    isBuilt: true,
    load: () => import('./web.bench.ts'),
  },
}

const [name = '', ...rest] = process.argv.slice(2)
const entry = Object.hasOwn(benches, name) ? benches[name] : undefined
if (entry === undefined) {
  const lines = Object.entries(benches).map(([key, { about }]) => `  ${key.padEnd(12)} ${about}`)
  process.stderr.write(`npm run bench -- NAME [--json], where NAME is one of\n${lines.join('\n')}\n`)
  process.exitCode = 2
} else {
  const flags = parseFlags(rest)
  if (entry.isBuilt && !flags.has('built')) {
    execFileSync(process.execPath, ['scripts/build-if-changed.mjs'], { stdio: 'inherit' })
  }
  const { bench } = await entry.load()
  const figures = await bench(flags, (line) => process.stdout.write(`${line}\n`))
  if (flags.has('json')) process.stdout.write(`${JSON.stringify(figures)}\n`)
}
