/** The classes of error, by the `name` that survives threads, realms and bundlers. */
export type ErrorKind =
  | 'ConfigError'
  | 'ValidationError'
  | 'CapabilityError'
  | 'ModelError'
  | 'EdgeError'
  | 'CloudError'
  | 'NoArmError'

interface CodeFacts {
  readonly kind: ErrorKind
  /** May the other arm try the same request? Only when the fault lies with the arm and not with the request. */
  readonly fallsOver: boolean
}

const stays = <K extends ErrorKind>(kind: K) => ({ kind, fallsOver: false }) as const
const fallsOver = <K extends ErrorKind>(kind: K) => ({ kind, fallsOver: true }) as const

/** Every code an error of Hither can have. The one table that says which may fall over to the other arm. */
export const errorCodes = {
  'config-invalid': stays('ConfigError'),
  'client-closed': stays('ConfigError'),

  'options-invalid': stays('ValidationError'),
  'unknown-model': stays('ValidationError'),
  'model-exists': stays('ValidationError'),
  'address-invalid': stays('ValidationError'),
  'input-missing': stays('ValidationError'),
  'input-unexpected': stays('ValidationError'),
  'input-type': stays('ValidationError'),
  'input-shape': stays('ValidationError'),
  'input-values': stays('ValidationError'),
  'picture-unreadable': stays('ValidationError'),
  'picture-too-large': stays('ValidationError'),
  'picture-empty': stays('ValidationError'),
  'sound-unreadable': stays('ValidationError'),
  'sound-too-large': stays('ValidationError'),
  'sound-empty': stays('ValidationError'),
  'text-empty': stays('ValidationError'),
  'context-full': fallsOver('ValidationError'),
  'messages-refused': stays('ValidationError'),

  'worker-unavailable': fallsOver('CapabilityError'),
  'no-backend': fallsOver('CapabilityError'),
  'model-unsupported': fallsOver('CapabilityError'),
  'model-set-aside': fallsOver('CapabilityError'),
  'memory-exhausted': fallsOver('CapabilityError'),
  'storage-unavailable': fallsOver('CapabilityError'),

  'catalog-unavailable': stays('ModelError'),
  'manifest-invalid': stays('ModelError'),
  'download-failed': fallsOver('ModelError'),
  'download-wrong-size': fallsOver('ModelError'),
  'download-wrong-hash': fallsOver('ModelError'),
  'download-paused': fallsOver('ModelError'),
  'license-not-accepted': fallsOver('ModelError'),
  'model-withdrawn': stays('ModelError'),
  'import-invalid': stays('ModelError'),
  'onnx-unreadable': stays('ModelError'),
  'onnx-unsupported': stays('ModelError'),
  'gguf-unreadable': stays('ModelError'),
  'gguf-unsupported': stays('ModelError'),
  'storage-full': fallsOver('ModelError'),
  'tokenizer-unfit': fallsOver('ModelError'),
  'template-failed': fallsOver('ModelError'),
  'stored-model-damaged': fallsOver('ModelError'),
  'model-load-failed': fallsOver('ModelError'),
  'model-wrong-answer': fallsOver('ModelError'),

  'edge-run-failed': fallsOver('EdgeError'),
  'edge-timeout': fallsOver('EdgeError'),
  'edge-crashed': fallsOver('EdgeError'),
  'edge-device-lost': fallsOver('EdgeError'),
  'edge-session-lost': stays('EdgeError'),

  'cloud-unreachable': fallsOver('CloudError'),
  'cloud-timeout': fallsOver('CloudError'),
  'cloud-overloaded': fallsOver('CloudError'),
  'cloud-unauthorized': fallsOver('CloudError'),
  'cloud-refused': stays('CloudError'),
  'cloud-too-large': fallsOver('CloudError'),
  'cloud-model-missing': fallsOver('CloudError'),
  'cloud-failed': fallsOver('CloudError'),
  'cloud-bad-response': fallsOver('CloudError'),

  'no-arm': stays('NoArmError'),
  'deadline-exceeded': stays('NoArmError'),
} as const satisfies Record<string, CodeFacts>

export type ErrorCode = keyof typeof errorCodes

/** The codes of one kind of error. */
export type CodeOf<K extends ErrorKind> = {
  [C in ErrorCode]: (typeof errorCodes)[C]['kind'] extends K ? C : never
}[ErrorCode]

/** True when the other arm may try a request that failed with this code. */
export const mayFallOver = (code: ErrorCode): boolean => errorCodes[code].fallsOver
