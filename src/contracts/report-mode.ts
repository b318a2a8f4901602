/** What a site lets its pages report. `results` adds the answers; `none` reports nothing at all. */
export const reportModes = ['none', 'routes', 'results'] as const
export type ReportMode = (typeof reportModes)[number]
