import { createCloudArm } from '../../src/cloud/create-cloud-arm.ts'
import { type CheckOptions, runChecks } from '../checks.ts'

/** What the page offers the run: the same checks, with the browser's own fetch. */
Object.assign(globalThis, {
  runInterop: (url: string, digits: CheckOptions['digits']) =>
    runChecks({ arm: createCloudArm({ url }), jsonArm: createCloudArm({ url, binary: false }), digits }),
})
