import { css } from 'lit'

/** The shell: on a phone the navigation lies at the bottom, where a thumb reaches it. */
export const shellStyles = css`
  :host {
    display: block;
    max-width: 1240px;
    margin: 0 auto;
    padding: 12px max(16px, env(safe-area-inset-right)) calc(84px + env(safe-area-inset-bottom))
      max(16px, env(safe-area-inset-left));
  }
  header {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: 16px;
    margin-bottom: 14px;
  }
  .brand {
    display: inline-flex;
    gap: 8px;
    align-items: center;
    font-size: 20px;
    font-weight: 600;
    letter-spacing: -0.02em;
    text-decoration: none;
  }
  nav {
    position: fixed;
    inset: auto 0 0;
    z-index: 2;
    display: flex;
    justify-content: space-around;
    padding: 4px max(4px, env(safe-area-inset-right)) max(4px, env(safe-area-inset-bottom))
      max(4px, env(safe-area-inset-left));
    background: color-mix(in srgb, var(--surface) 94%, transparent);
    border-top: 1px solid var(--line);
    backdrop-filter: blur(12px);
  }
  nav a {
    display: grid;
    flex: 1;
    justify-items: center;
    gap: 2px;
    padding: 6px 2px;
    font-size: 12px;
    line-height: 16px;
    color: var(--muted);
    text-decoration: none;
    border-radius: var(--radius-small);
  }
  nav a:hover {
    color: var(--text);
  }
  [aria-current='page'] {
    color: var(--text);
    font-weight: 600;
  }
  main:focus {
    outline: none;
  }
  .skip {
    position: absolute;
    left: 16px;
    top: -60px;
    z-index: 3;
    padding: 10px 16px;
    background: var(--surface);
    border-radius: var(--radius-small);
  }
  .skip:focus {
    top: 8px;
  }
  .notice,
  .offline,
  .update,
  .simulated {
    display: flex;
    flex-wrap: wrap;
    gap: 6px 12px;
    align-items: center;
    margin-bottom: 14px;
    padding: 10px 16px;
    border-radius: var(--radius-small);
  }
  .notice {
    color: var(--danger);
    background: var(--danger-soft);
  }
  .offline {
    color: var(--warn);
    background: var(--sunken);
  }
  .simulated {
    color: var(--sim);
    background: color-mix(in srgb, var(--sim) 10%, var(--surface));
    border: 1px dashed currentColor;
  }
  .update {
    color: var(--cloud);
    background: var(--cloud-soft);
  }
  :is(.simulated, .update) button {
    min-height: 30px;
    margin-left: auto;
  }
  .drop {
    position: fixed;
    inset: 0;
    z-index: 4;
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
  @media (min-width: 700px) {
    :host {
      padding-top: 20px;
      padding-bottom: 48px;
    }
    header {
      margin-bottom: 24px;
    }
    nav {
      position: static;
      gap: 2px;
      padding: 0;
      background: none;
      border: 0;
      backdrop-filter: none;
    }
    nav a {
      display: flex;
      flex: none;
      gap: 8px;
      align-items: center;
      padding: 8px 12px;
      font-size: 14px;
      line-height: 20px;
    }
    nav a:hover {
      background: var(--sunken);
    }
    nav [aria-current='page'] {
      background: var(--surface);
      box-shadow: var(--shadow);
    }
  }
  @media (min-width: 700px) and (max-width: 839px) {
    nav svg {
      display: none;
    }
  }
`
