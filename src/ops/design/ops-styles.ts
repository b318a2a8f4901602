import { css } from 'lit'

/** What the page's parts share. Colours are custom properties of the page. */
export const opsStyles = css`
  *,
  ::before,
  ::after {
    box-sizing: border-box;
  }
  :host {
    display: block;
    min-width: 0;
  }
  h1,
  h2,
  p {
    margin: 0;
  }
  h2 {
    font-size: 15px;
    line-height: 22px;
  }
  .card {
    height: 100%;
    min-width: 0;
    padding: 18px 20px;
    background: var(--surface);
    border: 1px solid var(--line);
    border-radius: var(--radius);
  }
  .muted {
    color: var(--muted);
  }
  .small {
    font-size: 13px;
    line-height: 18px;
  }
  .scroll {
    margin: 10px -20px 0;
    padding: 0 20px;
    overflow-x: auto;
  }
  table {
    width: 100%;
    border-collapse: collapse;
    font-size: 14px;
    line-height: 20px;
  }
  th {
    padding: 6px 0 6px 16px;
    font-weight: 500;
    color: var(--muted);
    text-align: right;
    white-space: nowrap;
    border-bottom: 1px solid var(--line);
  }
  td {
    padding: 7px 0 7px 16px;
    text-align: right;
    white-space: nowrap;
    border-bottom: 1px solid var(--line);
  }
  tr:last-child td {
    border-bottom: 0;
  }
  th:first-child,
  td:first-child {
    padding-left: 0;
    text-align: left;
  }
  .code {
    font: 13px/18px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  }
  .mark {
    display: inline-block;
    padding: 1px 8px;
    font-size: 12.5px;
    line-height: 18px;
    border-radius: 9px;
    background: var(--sunken);
    color: var(--muted);
  }
  .mark + .mark {
    margin-left: 4px;
  }
  .mark.warn {
    color: var(--warn);
    background: var(--warn-soft);
  }
  .mark.bad {
    color: var(--danger);
    background: var(--danger-soft);
  }
  button,
  select,
  input {
    min-height: 38px;
    padding: 0 12px;
    font: inherit;
    font-size: 14px;
    color: var(--text);
    background: var(--surface);
    border: 1px solid var(--line-strong);
    border-radius: 10px;
  }
  button {
    font-weight: 500;
    cursor: pointer;
  }
  select {
    max-width: 100%;
    cursor: pointer;
  }
  button:hover:not(:disabled),
  select:hover {
    background: var(--sunken);
  }
  button[aria-pressed='true'] {
    color: var(--surface);
    background: var(--text);
    border-color: var(--text);
  }
  :focus-visible {
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
`
