import { readFileSync } from 'node:fs'
import type { KnipConfig } from 'knip'

const endpoint: { dependencies: Record<string, string> } = JSON.parse(
  readFileSync('packages/hither-endpoint/package.json', 'utf8'),
)

/** Dead files and exports, and what only the repository depends on. What a package needs is checked as it is packed. */
const config: KnipConfig = {
  workspaces: {
    '.': {
      entry: [
        'src/index.ts',
        'src/outbox/report-sync.ts',
        'src/endpoint/index.ts',
        'src/endpoint/cli/cli.ts',
        'src/endpoint/cli/run-as-init.ts',
        'src/endpoint/compute/infer-worker.ts',
        'src/endpoint/codec/codec-worker.ts',
        'src/endpoint/openai/tokenizer-worker.ts',
        'src/endpoint/writing/api/request-worker.ts',
        'src/endpoint/writing/thread/writing-worker.ts',
        'src/endpoint/reports/store-worker.ts',
        'src/edge/worker/edge.worker.ts',
        'src/client/background/worker/background.worker.ts',
        'src/client/tasks/worklet/sound-tap.worklet.js',
        'src/testing/writing-worker-under-test.ts',
        'src/**/*.test.ts',
        'e2e/**/*.spec.ts',
        'e2e/plain-project/main.ts',
        'e2e/outbox-page/report-sync.ts',
        'scripts/*.mjs',
        'interop/browser/page.ts',
        'deploy/*.test.ts',
        'bench/store/page.ts',
        'bench/generate/build-smollm2.ts',
        'bench/pages/*.ts',
        'examples/*/main.ts',
        'custom-elements-manifest.config.mjs',
      ],
      project: ['src/**/*.ts', 'e2e/**/*.ts', 'scripts/*.mjs', 'bench/**/*.ts', 'interop/**/*.ts', 'deploy/**/*.ts'],
    },
  },
  ignore: ['packages/create-hither/template/**'],
  ignoreExportsUsedInFile: true,
  exclude: ['types'],
  ignoreBinaries: ['apt-get', 'pip', 'unshare'],
  // The first two are run by scripts/check-packages.mjs; the others are the endpoint and its dependencies, which sources,
  // tests and benches use as the workspace has them.
  ignoreDependencies: ['publint', '@arethetypeswrong/cli', 'hither-endpoint', ...Object.keys(endpoint.dependencies)],
}
export default config
