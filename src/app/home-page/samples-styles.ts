import { css } from 'lit'

/** Samples that are buttons with a text. */
export const samplesStyles = css`
  .samples button {
    min-height: 30px;
    padding: 0 10px;
    font-size: 13px;
    font-weight: 400;
    border-color: var(--line);
  }
`
