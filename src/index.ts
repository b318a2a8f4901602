/**
 * Hither's public API: `createClient`, the types of what it takes and gives, and its errors.
 *
 * Left out on purpose: the arms and the router themselves (a client chooses between them, and their settings are tuned
 * together), the model store and the workers (internal formats), the wire protocol (use any client of the Open Inference
 * Protocol v2), and schemas (options are checked by `createClient`, manifests by the catalogue). The widget, the service
 * worker's report sync and the endpoint are entries of their own.
 *
 * @packageDocumentation
 */
export { Tensor } from 'onnxruntime-common'
export { createClient } from './client/create-client.ts'
export type {
  Budgets,
  ClientOptions,
  ClientPolicy,
  EndpointOptions,
  Policy,
  RuntimeOptions,
  SimulationOptions,
  StorageOptions,
  TokenMoney,
  TokenPrices,
} from './client/types/client-options.ts'
export type { Client, ClientEvents, RouteExplanation, RoutesLog } from './client/types/client-types.ts'
export type {
  GenerateInput,
  GenerateOptions,
  Writing,
  WritingPart,
  WritingResult,
  WritingUsage,
} from './client/types/generate-types.ts'
export type {
  AddModelOptions,
  AddModelSource,
  ImportModelOptions,
  ModelEntry,
  ModelLicense,
  ModelSize,
  ModelsApi,
  Priority,
  StorageReport,
  VerifyReport,
} from './client/types/models-types.ts'
export type { OutboxApi } from './client/types/outbox-types.ts'
export type { RunInputs, RunOptions, RunResult } from './client/types/run-types.ts'
export type {
  ModelSession,
  SessionOptions,
  SessionResult,
  SessionRunOptions,
  SessionStep,
} from './client/types/session-types.ts'
export type {
  PictureTask,
  TaskOptions,
  TaskResult,
  Tasks,
  TensorTask,
  TextTask,
  VoiceActivity,
  VoiceMoment,
  VoiceTask,
  WatchedFrame,
  WritingTask,
} from './client/types/task-types.ts'
export type { ChatMessage, Tool, ToolCall } from './contracts/chat.ts'
export type { TaskName } from './contracts/manifest.ts'
export type { BackendMeasurement, DeviceReport, LinkReport, ModelProgress } from './contracts/measurements.ts'
export type { Backend, ModelState, Progress } from './contracts/model-state.ts'
export type { DroppedReports } from './contracts/report.ts'
export type { ReportMode } from './contracts/report-mode.ts'
export {
  type Arm,
  type FinishReason,
  type Prediction,
  type Privacy,
  privacyModes,
  type RouteArmPrediction,
  type RouteAttempt,
  type RouteKnowledge,
  type RouteMove,
  type RouteOther,
  type RouteParts,
  type RoutePlanRecord,
  type RoutePreparation,
  type RouteReason,
  type RouteRecord,
  type RouteWriting,
  type RouteWritingArm,
} from './contracts/route.ts'
export { type MoveReason, moveReasons, routeReasons } from './contracts/route-reasons.ts'
export type { TensorData, TensorMap, TensorType } from './contracts/tensor.ts'
export { CapabilityError } from './errors/capability-error.ts'
export { CloudError } from './errors/cloud-error.ts'
export { type ErrorCode, type ErrorKind, errorCodes } from './errors/codes.ts'
export { ConfigError } from './errors/config-error.ts'
export { EdgeError } from './errors/edge-error.ts'
export { HitherError, isHitherError } from './errors/hither-error.ts'
export { ModelError } from './errors/model-error.ts'
export { NoArmError } from './errors/no-arm-error.ts'
export { ValidationError } from './errors/validation-error.ts'
export type { SimulatedNetwork } from './network/simulated-network.ts'
export type { OutboxState } from './outbox/create-outbox.ts'
export type { Classification } from './tasks/decode/classify.ts'
export type { Detection, Detections } from './tasks/decode/detect.ts'
export type { PictureSource } from './tasks/pictures/picture-source.ts'
export type { SoundSegment } from './tasks/sound/find-activity.ts'
export type { RawSound, SoundSource } from './tasks/sound/sound-source.ts'
