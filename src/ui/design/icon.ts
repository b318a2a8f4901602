import { html, type TemplateResult } from 'lit'

/** An icon of lines in the text's colour, from the paths that it is drawn with. */
export const icon = (paths: TemplateResult) =>
  html`<svg viewBox="0 0 20 20" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${paths}</svg>`
