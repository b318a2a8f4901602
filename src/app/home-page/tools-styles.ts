import { css } from 'lit'

/** A row of buttons that share its width. */
export const toolsStyles = css`
  .tools > * {
    flex: 1;
  }
  .tools > ::part(label) {
    padding: 0 10px;
    white-space: nowrap;
  }
`
