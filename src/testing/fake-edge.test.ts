import { describeBackend } from './describe-backend.ts'
import { createFakeEdge } from './fake-edge.ts'

describeBackend('a fake engine', {
  open: (known) => createFakeEdge({ computeOf: ({ name }) => known(name)?.compute }),
})
