import { css } from 'lit'
import { sharedStyles } from '../../ui/design/shared-styles.ts'

/** What the page and its cards share: the design's styles, and on top of them tables of figures and marks. */
export const cardStyles = [
  sharedStyles,
  css`
    :host,
    .card {
      min-width: 0;
    }
    h1 {
      margin: 0;
    }
    h2 {
      font-size: 15px;
      line-height: 22px;
      color: var(--text);
    }
    .code {
      font-size: 13px;
      opacity: 1;
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
    th,
    td {
      padding: 7px 0 7px 16px;
      text-align: right;
      white-space: nowrap;
      border-bottom: 1px solid var(--line);
    }
    th {
      font-weight: 500;
      color: var(--muted);
    }
    tr:last-child td {
      border-bottom: 0;
    }
    th:first-child,
    td:first-child {
      padding-left: 0;
      text-align: left;
    }
    /* On a phone, each row is a list of its own: seven columns don't fit. */
    @media (max-width: 560px) {
      .scroll {
        overflow-x: visible;
      }
      .scroll :is(table, tbody, tr) {
        display: block;
      }
      .scroll thead {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
      .scroll tr {
        padding: 8px 0;
      }
      .scroll tr + tr {
        border-top: 1px solid var(--line);
      }
      .scroll td {
        display: flex;
        gap: 16px;
        justify-content: space-between;
        padding: 2px 0;
        text-align: right;
        border: 0;
      }
      .scroll td:first-child {
        font-weight: 600;
        white-space: normal;
        overflow-wrap: anywhere;
      }
      .scroll td[data-name]::before {
        content: attr(data-name);
        color: var(--muted);
      }
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
    .field {
      padding: 0 12px;
    }
    select {
      max-width: 100%;
    }
    button[aria-pressed='true'],
    button[aria-pressed='true']:hover {
      color: var(--surface);
      background: var(--text);
      border-color: var(--text);
    }
  `,
]
