import { html, svg } from 'lit'
import { icon } from './icon.ts'

/** The mark: from where the request is to the place that answers it. */
export const logo = html`<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
  <path d="M10 22C10 13.5 13.5 9.8 19.4 9.5" fill="none" stroke="currentColor" stroke-width="2.6" />
  <circle cx="10" cy="22" r="6" fill="var(--edge)" />
  <circle cx="23.5" cy="9.5" r="4.2" fill="none" stroke="var(--cloud)" stroke-width="2.6" />
</svg>`

export const homeIcon = icon(svg`<path d="M3.5 9.2 10 3.8l6.5 5.4M5.5 8v8h9V8" />`)
export const modelsIcon = icon(
  svg`<path d="m10 2.8 6.5 3.6v7.2L10 17.2l-6.5-3.6V6.4zM3.8 6.6 10 10l6.2-3.4M10 10v7" />`,
)
export const routesIcon = icon(
  svg`<path d="M5 15.5h6.5a3 3 0 0 0 0-6h-4a3 3 0 0 1 0-6H14" /><circle cx="3.6" cy="15.5" r="1.4" /><circle cx="15.6" cy="3.5" r="1.4" />`,
)
export const settingsIcon = icon(
  svg`<path d="M3 6h7M14 6h3M3 14h3M10 14h7" /><circle cx="12" cy="6" r="2" /><circle cx="8" cy="14" r="2" />`,
)
export const deviceIcon = icon(
  svg`<rect x="5" y="5" width="10" height="10" rx="2" /><path d="M8 2.5v2.5M12 2.5v2.5M8 15v2.5M12 15v2.5M2.5 8H5M2.5 12H5M15 8h2.5M15 12h2.5" />`,
)
