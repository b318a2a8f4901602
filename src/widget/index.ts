export type { WidgetAnswer, WidgetResult } from './engine-types.ts'
export type { ErrorDetail } from './error-detail.ts'
export { HitherWidget, type ProgressDetail } from './hither-widget.ts'
