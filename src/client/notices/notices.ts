import { mayBeHither } from '../../cloud/may-be-hither.ts'
import type { Notice } from '../../contracts/notice.ts'
import { ModelError } from '../../errors/model-error.ts'
import type { NetworkWatcher } from '../../network/network-watcher.ts'
import type { Background } from '../background/create-background.ts'
import type { CloudLink } from '../cloud/cloud-link.ts'
import type { EdgeModels } from '../edge/edge-models.ts'
import { createNoticePoll, type Notices } from './notice-poll.ts'

export interface NoticesOptions {
  readonly clouds: readonly CloudLink[]
  readonly watcher: NetworkWatcher
  readonly background: Pick<Background, 'withdraw'>
  readonly edgeModels: Pick<EdgeModels, 'withdraw'>
  readonly onChange: (notices: readonly Notice[]) => void
}

/** Asks the endpoints for notices, and does what they say: a withdrawn model is unloaded, freed and refused. */
export function createNotices(options: NoticesOptions): Notices {
  const { clouds, watcher, background, edgeModels, onChange } = options

  const withdraw = async (notices: readonly Notice[], isWhole: boolean) => {
    const models = notices.flatMap(({ body }) =>
      body.kind === 'model-withdrawn' ? [{ name: body.model, revision: body.revision, reason: body.why }] : [],
    )
    // Refused before it is unloaded, so that nothing can load it again between.
    await background.withdraw(models, isWhole)
    for (const { name, revision, reason = '' } of models) {
      const error = new ModelError('model-withdrawn', `The model "${name}" was withdrawn. ${reason}`.trim())
      await edgeModels.withdraw(name, revision, error)
    }
  }

  return createNoticePoll({
    sources: clouds.map(({ name, arm }) => ({
      name,
      notices: async (signal) => ((await mayBeHither(arm, signal)) ? arm.notices({ signal }) : undefined),
    })),
    watcher,
    async onChange(notices, isWhole) {
      // Reported when it is done, so that a list of models made then shows the withdrawal.
      await withdraw(notices, isWhole).finally(() => onChange(notices))
    },
  })
}
