import { html } from 'lit'

/** A device. */
export const edgeIcon = html`<svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" aria-hidden="true">
  <rect x="5" y="5" width="10" height="10" rx="2" />
  <path d="M8 2.5v2.5M12 2.5v2.5M8 15v2.5M12 15v2.5M2.5 8H5M2.5 12H5M15 8h2.5M15 12h2.5" />
</svg>`

/** A cloud. */
export const cloudIcon = html`<svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" aria-hidden="true">
  <path d="M5.8 15.5a3.6 3.6 0 0 1-.4-7.2 4.8 4.8 0 0 1 9.2-.3 3.8 3.8 0 0 1-.4 7.5z" />
</svg>`
