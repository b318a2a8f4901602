/**
 * The rooms of `src/`, from the ground up, and what each may import. Checked by `scripts/check-house.mjs`, explained in
 * docs/architecture.md. A path names a room, a sub-folder or a file, without its ending.
 */

/** A room imports from the rooms above it in this list, unless `only` says otherwise. */
export const rooms = [
  'contracts',
  'errors',
  'utils',
  'protocol',
  'network',
  'device',
  'models',
  'tasks',
  'generation',
  'edge',
  'cloud',
  'routing',
  'outbox',
  'client',
  'index',
  'ui',
  'widget',
  'app',
  'ops',
  'service-worker',
  'endpoint',
  'testing',
]

/** Folders with a shorter list of their own. The longest path that fits a file counts. */
export const only = {
  'ui/design': [],
  ui: ['index', 'ui'],
  widget: [
    'index',
    'ui',
    'widget',
    'utils/calls',
    'utils/instance-schema',
    'utils/is-instance',
    'contracts/object-schemas',
  ],
  app: ['index', 'ui', 'app', 'outbox/report-sync'],
  ops: ['contracts', 'errors', 'utils', 'routing/fleet', 'ui/design', 'ui/base/save-file', 'ops'],
  'service-worker': ['outbox/report-sync', 'app/offline', 'service-worker'],
  endpoint: ['contracts', 'errors', 'utils', 'protocol', 'models/manifest', 'generation', 'endpoint'],
  'endpoint/adding': ['contracts', 'errors', 'utils', 'models/manifest', 'models/gguf', 'models/onnx', 'endpoint'],
  'endpoint/gateway': ['contracts', 'errors', 'utils', 'protocol', 'models/manifest', 'generation', 'cloud', 'endpoint'],
}

/** Sub-folders with entries: from outside of the folder, only these files are imported. */
export const entries = {
  'utils/calls': [
    'utils/calls/error-codec',
    'utils/calls/hand-over',
    'utils/calls/open-link',
    'utils/calls/remote',
    'utils/calls/serve-page',
    'utils/calls/worker-link',
  ],
  'models/catalogue': [
    'models/catalogue/add-model',
    'models/catalogue/add-source',
    'models/catalogue/catalogue',
    'models/catalogue/free-unlisted',
    'models/catalogue/import-model',
    'models/catalogue/model-registry',
    'models/catalogue/operator-withdrawals',
  ],
  'models/store': [
    'models/store/model-notes',
    'models/store/model-store',
    'models/store/read-model',
    'models/store/store-usage',
  ],
  'client/cloud': ['client/cloud/cloud-link'],
  'client/edge': [
    'client/edge/client-edge',
    'client/edge/download-paused',
    'client/edge/edge-models',
    'client/edge/slow-edge',
  ],
  'client/models': ['client/models/model-updates', 'client/models/models-api'],
  'client/notices': ['client/notices/notice-poll', 'client/notices/notices'],
  'client/generate': ['client/generate/defer-writing', 'client/generate/generate', 'client/generate/open-writing'],
  'client/request': [
    'client/request/answer',
    'client/request/in-time',
    'client/request/model-run',
    'client/request/pipeline',
    'client/request/plan-writing',
    'client/request/tensors/tensor-maps',
    'client/request/running/time-limits',
    'client/request/tensors/to-tensors',
  ],
  'client/session': ['client/session/open-session'],
  'client/tasks': ['client/tasks/task-api'],
  'routing/learning': [
    'routing/learning/cost-models',
    'routing/learning/preparation-learner',
    'routing/learning/route-learner',
  ],
  'routing/accounts': ['routing/accounts/accounts'],
  'routing/deciding': ['routing/deciding/create-router', 'routing/deciding/decide-cascade'],
  'routing/running': ['routing/running/run-plan'],
  'routing/fleet': ['routing/fleet/cloud-platform-plan', 'routing/fleet/edge-platform-share'],
  'tasks/decode': ['tasks/decode/answer-for', 'tasks/decode/classify', 'tasks/decode/detect'],
  'tasks/sound': [
    'tasks/sound/find-activity',
    'tasks/sound/sound-file-rate',
    'tasks/sound/sound-limits',
    'tasks/sound/sound-source',
    'tasks/sound/sound-windows',
  ],
  'ui/input': ['ui/input/drawing-pad', 'ui/input/file-button', 'ui/input/receive-files'],
  'ui/route': ['ui/route/route-view'],
  'endpoint/cli': ['endpoint/cli/cli'],
  'endpoint/compute': ['endpoint/compute/open-pool-engine'],
  'endpoint/gateway': ['endpoint/gateway/create-gateway-engine', 'endpoint/gateway/open-gateway'],
  'endpoint/openai': [
    'endpoint/openai/embeddings-part',
    'endpoint/openai/openai-front',
    'endpoint/openai/openai-plugin',
  ],
  'endpoint/writing': ['endpoint/writing/open-writing'],
  'endpoint/reports': ['endpoint/reports/database', 'endpoint/reports/notices', 'endpoint/reports/open-reports'],
}
