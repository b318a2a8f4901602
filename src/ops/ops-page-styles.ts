import { css } from 'lit'

export const opsPageStyles = css`
  .page {
    max-width: 1400px;
    margin: 0 auto;
    padding: 20px 24px 48px;
  }
  header {
    display: flex;
    flex-wrap: wrap;
    gap: 12px 20px;
    align-items: center;
    justify-content: space-between;
    margin-bottom: 18px;
  }
  h1 {
    font-size: 20px;
    line-height: 28px;
  }
  h1 span {
    font-weight: 400;
    color: var(--muted);
  }
  .tools {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  .tiles {
    display: grid;
    grid-template-columns: repeat(6, minmax(0, 1fr));
    gap: 14px;
    margin-bottom: 14px;
  }
  .tile {
    padding: 14px 16px;
  }
  .tile strong {
    display: block;
    margin: 2px 0;
    font-size: 24px;
    font-weight: 600;
    line-height: 32px;
    overflow-wrap: anywhere;
  }
  .tile.edge strong {
    color: var(--edge);
  }
  .tile.cloud strong {
    color: var(--cloud);
  }
  .grid {
    display: grid;
    grid-template-columns: repeat(2, minmax(0, 1fr));
    gap: 14px;
  }
  .wide {
    grid-column: 1 / -1;
  }
  .problem {
    margin: 0 0 14px;
    padding: 10px 14px;
    color: var(--danger);
    background: var(--danger-soft);
    border-radius: 10px;
  }
  .empty {
    padding: 48px 20px;
    text-align: center;
  }
  [aria-busy='true'] .tiles,
  [aria-busy='true'] .grid {
    opacity: 0.6;
  }
  @media (max-width: 1100px) {
    .tiles {
      grid-template-columns: repeat(3, minmax(0, 1fr));
    }
    .grid {
      grid-template-columns: minmax(0, 1fr);
    }
  }
  @media (max-width: 560px) {
    .page {
      padding: 16px 14px 40px;
    }
    .tiles {
      grid-template-columns: repeat(2, minmax(0, 1fr));
      gap: 10px;
    }
    .grid {
      gap: 10px;
    }
    .tile {
      padding: 12px;
    }
    .tile strong {
      font-size: 20px;
      line-height: 28px;
    }
  }
`
