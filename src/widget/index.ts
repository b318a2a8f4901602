export type { WidgetAnswer, WidgetResult } from './engine-types.ts'
export { type ErrorDetail, HitherWidget, type ProgressDetail } from './hither-widget.ts'
