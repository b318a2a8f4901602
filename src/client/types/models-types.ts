import type { TaskName } from '../../contracts/manifest.ts'
import type { ModelState, Progress } from '../../contracts/model-state.ts'
import type { VerifyReport } from '../../models/store/read-model.ts'
import type { StoreUsage } from '../../models/store/store-usage.ts'
import type { Priority } from '../../models/transfer/transfer-slots.ts'

export type { Priority, VerifyReport }

export interface ModelLicense {
  readonly name: string
  readonly url?: string | undefined
  /** The person must accept it before the model is downloaded: show it, then call `acceptLicense`. */
  readonly mustAccept: boolean
  readonly accepted: boolean
}

/** A model in the catalogue or on this device, and where it stands here. */
export interface ModelEntry {
  readonly name: string
  readonly revision: string
  readonly title: string
  readonly description: string
  /** What it can be asked for. */
  readonly task: TaskName
  readonly license: ModelLicense
  /** Of a model that writes: whether it takes conversations, or goes on with texts only. */
  readonly writes?: 'chat' | 'text' | undefined
  /** Bytes of all its files. */
  readonly totalBytes: number
  readonly state: ModelState
  /** Never evicted to make room. */
  readonly pinned: boolean
  /** The person added it: it is in no catalogue. */
  readonly added: boolean
  /** How its weights are kept, where the manifest says. */
  readonly precision?: string | undefined
  /** The variant that was picked for this device. */
  readonly variant?: string | undefined
}

export interface ModelSize {
  /** Bytes that are on this device, of a download under way too. */
  readonly storedBytes: number
  readonly totalBytes: number
}

/** What stored models take, and what they may. */
export interface StorageReport extends StoreUsage {
  /** The browser promised not to clear the storage by itself; undefined where it does not say. */
  readonly protected?: boolean | undefined
  readonly budgetBytes?: number | undefined
  /** What the browser says it would give this origin; some browsers make it up. */
  readonly quotaBytes?: number | undefined
}

interface Abortable {
  readonly signal?: AbortSignal
}

/** What a model can be added from: its file, also with its weights beside it, its bytes, or its address. */
export type AddModelSource =
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | FileSystemFileHandle
  | string
  | URL
  | Iterable<Blob | ArrayBuffer | ArrayBufferView | FileSystemFileHandle>

export interface ImportModelOptions extends Abortable {
  /** What requests call it, for an archive of one model. Default: what its manifest says. */
  readonly name?: string
}

export interface AddModelOptions extends Abortable {
  /**
   * What requests call it: letters, digits, `.`, `_` and `-`. Default: from the file's or the repository's name, with a
   * number where another file's model has that.
   */
  readonly name?: string
  readonly title?: string
  /** For a hub's repository with several: which one. Default: what suits this device. */
  readonly precision?: 'float32' | 'float16' | 'int8' | 'int4' | 'mixed'
  readonly onProgress?: (progress: Progress) => void
}

/** @see Client.models */
export interface ModelsApi {
  list(options?: Abortable): Promise<readonly ModelEntry[]>
  state(model: string): Promise<ModelState>
  size(model: string): Promise<ModelSize>
  /**
   * Downloads and verifies a model without loading it. What a person waits for goes first; `background` gives way to it.
   *
   * @throws {ModelError} `download-failed`, `download-wrong-size`, `download-wrong-hash`, `download-paused`,
   *   `license-not-accepted`, `storage-full`, `model-withdrawn`
   */
  download(model: string, options?: Abortable & { readonly priority?: Priority }): Promise<void>
  /** Stops a model's download and keeps what has arrived, also over a reload. Callers that wait get `download-paused`. */
  pause(model: string): Promise<void>
  /** Continues a paused download, in the background; `state` and `progress` tell of it. */
  resume(model: string): Promise<void>
  /**
   * Frees a model's memory and its space in IndexedDB, in all tabs. Runs under way finish first. A model that was added
   * from a file is gone with that.
   *
   * @throws {ValidationError} `unknown-model`: no list shows it and nothing of it is stored
   */
  remove(model: string): Promise<void>
  /** Keeps a model from being evicted to make room for others. Called on a click, it also asks the browser to protect the storage. */
  pin(model: string): Promise<void>
  unpin(model: string): Promise<void>
  /**
   * Reads and hashes every stored byte and fetches again what is damaged.
   *
   * @throws {ModelError} `stored-model-damaged`: it is not stored
   */
  verify(model: string, options?: Abortable): Promise<VerifyReport>
  usage(): Promise<StorageReport>
  /** Asks the browser not to clear the storage by itself. Call it on a click: browsers may ask the person. */
  protect(): Promise<boolean>
  acceptLicense(model: string): Promise<void>
  /** Writes a stored model into a folder, laid out as the endpoint serves it: `name/revision/manifest.json`. */
  export(model: string, options: Abortable & { readonly to: FileSystemDirectoryHandle }): Promise<void>
  /** Gives a stored model as a .zip, laid out in the same way. */
  export(model: string, options?: Abortable): Promise<Blob>
  /**
   * Stores the models of a .zip or a folder, without a network.
   *
   * @param from the .zip as a file or its bytes, or a handle of either
   * @throws {ModelError} `import-invalid`, `manifest-invalid`, `model-withdrawn`, `storage-full`
   * @throws {ValidationError} `model-exists`: another model that was added has the name, and `context.free` is one that
   *   is free; `options-invalid`: neither a .zip nor a folder
   */
  import(
    from: Blob | ArrayBuffer | ArrayBufferView | FileSystemFileHandle | FileSystemDirectoryHandle,
    options?: ImportModelOptions,
  ): Promise<readonly ModelEntry[]>
  /**
   * Adds a model that is in no catalogue: an .onnx file (with the files of weights beside it, if it has any), the
   * address of one, or a repository on a hub with Hugging Face's layout. Its manifest is drafted from the file. The same
   * bytes under the same name are the same model; other bytes never take a name that is taken.
   *
   * @param source files as the page has them (a `File`, a `FileList`, bytes, a handle), or an address: `https:`,
   *   `http:`, `data:`, `blob:`, or relative to the page
   * @throws {ModelError} `onnx-unreadable`, `onnx-unsupported`, `download-failed`, `catalog-unavailable`, `storage-full`
   * @throws {CapabilityError} `model-unsupported`: it is larger than a browser can load
   * @throws {ValidationError} `model-exists`: another model has the name, and `context.free` is one that is free;
   *   `address-invalid`; `options-invalid`: neither a file nor an address, several models at once, or an option
   */
  add(source: AddModelSource, options?: AddModelOptions): Promise<ModelEntry>
  /**
   * Looks for a newer revision, fetches it beside the one that serves, tries its canary, and lets it serve.
   *
   * @returns the revision that serves now
   * @throws {ModelError} `model-wrong-answer`, … : the newer one failed, and the old one serves on
   */
  update(model: string, options?: Abortable): Promise<string>
}
