export type { ProgressDetail, WidgetAnswer, WidgetResult } from './engine-types.ts'
export type { ErrorDetail } from './error-detail.ts'
export { HitherWidget } from './hither-widget.ts'
