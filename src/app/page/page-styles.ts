import { css } from 'lit'

/** What the pages beside Home share. */
export const pageStyles = css`
  h1 {
    margin: 0 0 4px;
    font-size: clamp(22px, 2.6vw, 28px);
    font-weight: 600;
    line-height: 1.25;
    letter-spacing: -0.02em;
  }
  h2 {
    font-size: 15px;
    color: var(--text);
  }
  .lead {
    max-width: 68ch;
    margin-bottom: 16px;
    text-wrap: pretty;
  }
  .grid {
    display: grid;
    gap: 16px;
    grid-template-columns: minmax(0, 1fr);
  }
  .card {
    height: auto;
  }
  .head {
    display: flex;
    flex-wrap: wrap;
    gap: 8px 16px;
    align-items: center;
    justify-content: space-between;
    margin-bottom: 12px;
  }
  .problem-box {
    padding: 12px 16px;
    color: var(--danger);
    background: var(--danger-soft);
    border-radius: var(--radius-small);
  }
  @media (min-width: 860px) {
    .grid.two {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }
  }
  @media (min-width: 1100px) {
    .grid {
      gap: 20px;
    }
  }
`
