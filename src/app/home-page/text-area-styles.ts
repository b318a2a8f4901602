import { css } from 'lit'

/** A field for a text of some lines. */
export const textAreaStyles = css`
  textarea.field {
    min-height: 76px;
    padding: 10px 14px;
    line-height: 1.4;
    resize: vertical;
  }
`
