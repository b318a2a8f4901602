import { css } from 'lit'

/** The page's layout: one column on a phone, pad and answer side by side from 700 pixels. */
export const appStyles = css`
  :host {
    max-width: 1120px;
    margin: 0 auto;
    padding: 16px max(16px, env(safe-area-inset-right)) max(32px, env(safe-area-inset-bottom))
      max(16px, env(safe-area-inset-left));
  }
  header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 8px 16px;
    margin-bottom: 16px;
  }
  h1 {
    display: flex;
    align-items: center;
    gap: 8px;
    margin: 0;
    font-size: 22px;
    font-weight: 650;
    line-height: 28px;
    letter-spacing: -0.02em;
  }
  .tagline {
    flex: 1 1 280px;
    text-wrap: pretty;
  }
  .notice,
  .problem-box {
    padding: 12px 16px;
    color: var(--danger);
    background: var(--danger-soft);
    border-radius: 10px;
  }
  .notice {
    margin-bottom: 16px;
  }
  main {
    display: grid;
    gap: 16px;
    grid-template-columns: minmax(0, 1fr);
  }
  .tools {
    display: flex;
    gap: 8px;
    margin-top: 12px;
  }
  .tools > * {
    padding: 0 12px;
    white-space: nowrap;
  }
  .choose {
    flex: 1;
    position: relative;
  }
  .problem-box {
    margin-top: 12px;
  }
  .result {
    display: grid;
    align-content: start;
    gap: 24px;
  }
  route-view {
    padding-top: 20px;
    border-top: 1px solid var(--line);
  }
  .panels {
    display: grid;
    gap: 16px;
  }
  .drop {
    position: fixed;
    inset: 0;
    z-index: 1;
    display: grid;
    place-items: center;
    padding: 24px;
    font-size: 22px;
    font-weight: 500;
    pointer-events: none;
    background: color-mix(in srgb, var(--page) 88%, transparent);
  }
  .drop::before {
    content: '';
    position: absolute;
    inset: 16px;
    border: 2px dashed var(--cloud);
    border-radius: 20px;
  }
  privacy-select {
    margin-left: auto;
  }
  @media (max-width: 899px) {
    .tagline {
      order: 1;
      flex-basis: 100%;
    }
  }
  @media (max-width: 699px) {
    .draw {
      max-width: 520px;
      width: 100%;
      margin: 0 auto;
    }
  }
  @media (max-width: 480px) {
    .tagline {
      display: none;
    }
  }
  @media (min-width: 600px) and (max-width: 999px) {
    .panels {
      grid-template-columns: repeat(2, minmax(0, 1fr));
    }
    model-panel {
      grid-column: 1 / -1;
    }
  }
  @media (min-width: 700px) {
    main {
      grid-template-columns: minmax(0, 2fr) minmax(0, 3fr);
      grid-template-areas: 'draw result' 'samples result' 'panels panels' 'routes routes';
      grid-template-rows: auto 1fr;
    }
    .draw {
      grid-area: draw;
    }
    .result {
      grid-area: result;
    }
    sample-strip {
      grid-area: samples;
    }
    .panels {
      grid-area: panels;
    }
    routes-list {
      grid-area: routes;
    }
  }
  @media (min-width: 900px) {
    :host {
      padding-top: 28px;
    }
    header {
      margin-bottom: 24px;
    }
    main {
      gap: 24px;
      grid-template-columns: minmax(0, 400px) minmax(0, 1fr);
    }
    .result {
      padding: 28px;
    }
    .panels {
      gap: 24px;
    }
  }
  @media (min-width: 1000px) {
    .panels {
      grid-template-columns: repeat(3, minmax(0, 1fr));
    }
  }
`
