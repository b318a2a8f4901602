import { html } from 'lit'

/** The mark: from where the request is to the place that answers it. */
export const logo = html`<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
  <path d="M10 22C10 13.5 13.5 9.8 19.4 9.5" fill="none" stroke="currentColor" stroke-width="2.6" />
  <circle cx="10" cy="22" r="6" fill="var(--edge)" />
  <circle cx="23.5" cy="9.5" r="4.2" fill="none" stroke="var(--cloud)" stroke-width="2.6" />
</svg>`

/** A device. */
export const edgeIcon = html`<svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" aria-hidden="true">
  <rect x="5" y="5" width="10" height="10" rx="2" />
  <path d="M8 2.5v2.5M12 2.5v2.5M8 15v2.5M12 15v2.5M2.5 8H5M2.5 12H5M15 8h2.5M15 12h2.5" />
</svg>`

/** A cloud. */
export const cloudIcon = html`<svg viewBox="0 0 20 20" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linejoin="round" aria-hidden="true">
  <path d="M5.8 15.5a3.6 3.6 0 0 1-.4-7.2 4.8 4.8 0 0 1 9.2-.3 3.8 3.8 0 0 1-.4 7.5z" />
</svg>`
