import { CloudError } from '../../errors/cloud-error.ts'
import { createSerialQueue } from '../../utils/serial-queue.ts'
import { loadModels, type ModelRecord, type Models, readCatalogue } from './load-models.ts'

/** The models of a folder, which may change while the endpoint runs. */
export interface ModelFolder {
  readonly models: Models
  /**
   * Reads a model's entry in the catalogue and its files again. When they are not what its manifest says, or the
   * catalogue is older than the one in use, what was served before is still served; what is withdrawn is not.
   *
   * @throws {CloudError} `cloud-model-missing`, `cloud-refused` with the reason
   * @throws {ModelError} `catalog-unavailable`
   */
  load(name: string): Promise<void>
  /** Names of the models that are served or that the folder has now. */
  names(): Promise<readonly string[]>
  /** Serves a model no more, until it is loaded again. @throws {CloudError} `cloud-model-missing` */
  unload(name: string): Promise<void>
  /** Tells of records that are not served any more, once others have taken their place. */
  onGone(listener: (records: readonly ModelRecord[]) => void): void
}

/** @throws {ModelError} `catalog-unavailable` */
export async function openModelFolder(modelsDir: string): Promise<ModelFolder> {
  let models = await loadModels(modelsDir)
  const inTurn = createSerialQueue()
  const listeners = new Set<(records: readonly ModelRecord[]) => void>()

  const replace = (name: string, fresh: Models['records'], catalog = models.catalog) => {
    const gone = models.records.filter((record) => record.name === name)
    const others = models.records.filter((record) => record.name !== name)
    const order = catalog.models.map((entry) => entry.name)
    const place = ({ name: each }: ModelRecord) => order.indexOf(each)
    models = { catalog, records: [...others, ...fresh].sort((a, b) => place(a) - place(b)) }
    for (const listener of listeners) listener(gone)
  }

  return {
    get models() {
      return models
    },
    async names() {
      const { models: listed } = await readCatalogue(modelsDir)
      return [...new Set([...models.records, ...listed].map(({ name }) => name))]
    },
    onGone(listener) {
      listeners.add(listener)
    },
    load: (name) =>
      inTurn.add(async () => {
        const { records, catalog } = await loadModels(modelsDir, name)
        const { serial: known = 0 } = models.catalog
        const { serial = 0 } = catalog
        // Going back would bring back what was withdrawn since.
        if (serial < known) throw refused(`The catalogue has the serial ${serial}, and ${known} is in use already.`)
        if (records.length === 0) {
          replace(name, [], catalog)
          throw missing(name)
        }
        for (const { state } of records) {
          if (state.status === 'refused' && state.withdrawn !== true) throw refused(state.reason)
        }
        replace(name, records, catalog)
      }),
    unload: (name) =>
      inTurn.add(async () => {
        const records = models.records.filter((record) => record.name === name)
        if (records.length === 0) throw missing(name)
        const reason = `The model ${name} was unloaded.`
        replace(
          name,
          records.map((record) => ({ ...record, state: { status: 'refused', reason } })),
        )
      }),
  }
}

const refused = (reason: string) => new CloudError('cloud-refused', reason, { context: { status: 400 } })

const missing = (name: string) =>
  new CloudError('cloud-model-missing', `This endpoint has no model ${name.slice(0, 100)}.`)
