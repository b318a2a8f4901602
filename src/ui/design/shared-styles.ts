import { css } from 'lit'

/** What every component's text, buttons and cards share. Colours are custom properties of the page. */
export const sharedStyles = css`
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  :host {
    display: block;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  h2 {
    margin: 0;
    font-size: 13px;
    font-weight: 600;
    line-height: 20px;
    color: var(--muted);
  }
  p {
    margin: 0;
  }
  .card {
    height: 100%;
    padding: 20px;
    background: var(--surface);
    border: 1px solid var(--line);
    border-radius: var(--radius);
    box-shadow: var(--shadow);
  }
  dl {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 6px 16px;
    margin: 0;
  }
  dt {
    color: var(--muted);
  }
  dd {
    margin: 0;
    text-align: right;
    overflow-wrap: anywhere;
  }
  .muted {
    color: var(--muted);
  }
  .small {
    font-size: 13px;
    line-height: 18px;
  }
  .problem {
    color: var(--danger);
  }
  .code {
    font: 12px/18px var(--mono);
    opacity: 0.8;
    white-space: nowrap;
  }
  button,
  .button,
  select,
  .field {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    min-height: 40px;
    padding: 0 14px;
    font: inherit;
    font-weight: 500;
    font-size: 14px;
    color: var(--text);
    background: var(--surface);
    border: 1px solid var(--line-strong);
    border-radius: 10px;
    cursor: pointer;
    transition: background-color 120ms, border-color 120ms;
  }
  button:hover:not(:disabled),
  .button:hover,
  select:hover {
    background: var(--sunken);
  }
  button:disabled {
    color: var(--muted);
    border-color: var(--line);
    cursor: default;
  }
  .primary {
    color: var(--surface);
    background: var(--text);
    border-color: var(--text);
  }
  .primary:hover:not(:disabled) {
    background: color-mix(in srgb, var(--text) 85%, var(--surface));
  }
  .quiet {
    background: none;
    border-color: transparent;
  }
  .field {
    justify-content: start;
    width: 100%;
    font-weight: 400;
    cursor: text;
  }
  ::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  .row {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px;
  }
  progress {
    display: block;
    width: 100%;
    height: 6px;
    overflow: hidden;
    appearance: none;
    background: var(--sunken);
    border: 0;
    border-radius: 3px;
  }
  progress::-webkit-progress-bar {
    background: var(--sunken);
  }
  progress::-webkit-progress-value {
    background: var(--edge);
    border-radius: 3px;
  }
  progress::-moz-progress-bar {
    background: var(--edge);
  }
  a {
    color: inherit;
    text-decoration-color: var(--line-strong);
    text-underline-offset: 3px;
  }
  a:hover {
    text-decoration-color: currentColor;
  }
  :focus-visible,
  .button:focus-within:has(:focus-visible) {
    outline: 2px solid var(--cloud);
    outline-offset: 2px;
  }
  .hidden-visually {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  /* Contrast themes take every background away. What colour itself shows keeps it: the design's are the system's then. */
  @media (forced-colors: active) {
    .drawn,
    progress {
      forced-color-adjust: none;
    }
    .track,
    progress {
      outline: 1px solid CanvasText;
      outline-offset: -1px;
    }
    button[aria-pressed='true'],
    button[aria-pressed='true']:hover,
    [aria-current='page'] {
      forced-color-adjust: none;
      color: HighlightText !important;
      background: Highlight !important;
    }
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after {
      transition: none !important;
      animation: none !important;
    }
  }
`
