import { css } from 'lit'

/** The widget's own colours: it brings the design along, and a site changes it by `--hither-…`. */
export const widgetStyles = css`
  :host {
    --surface: var(--hither-surface, #ffffff);
    --sunken: var(--hither-sunken, #eef0f3);
    --text: var(--hither-text, #14181f);
    --muted: var(--hither-muted, #59626f);
    --line: var(--hither-line, #e1e4ea);
    --line-strong: var(--hither-line-strong, #c3c9d3);
    --edge: var(--hither-edge, #08775f);
    --edge-soft: color-mix(in srgb, var(--edge) 14%, var(--surface));
    --cloud: var(--hither-cloud, #4350d0);
    --cloud-soft: color-mix(in srgb, var(--cloud) 14%, var(--surface));
    --danger: var(--hither-danger, #b3261e);
    --danger-soft: color-mix(in srgb, var(--danger) 10%, var(--surface));
    --warn: #8a5a00;
    --pad-paper: var(--surface);
    --pad-ink: var(--text);
    --shadow: none;
    --radius: var(--hither-radius, 14px);
    --radius-small: 10px;
    --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
    display: block;
    max-width: 520px;
    font: 400 15px / 1.5 var(--hither-font, system-ui, sans-serif);
    font-variant-numeric: tabular-nums;
    color: var(--text);
    text-align: start;
    color-scheme: light;
  }
  @media (prefers-color-scheme: dark) {
    :host(:not([theme='light'])) {
      --surface: var(--hither-surface, #161a21);
      --sunken: var(--hither-sunken, #20252e);
      --text: var(--hither-text, #e9ecf1);
      --muted: var(--hither-muted, #9aa4b2);
      --line: var(--hither-line, #262c36);
      --line-strong: var(--hither-line-strong, #3d4653);
      --edge: var(--hither-edge, #45d0ad);
      --cloud: var(--hither-cloud, #9aa5ff);
      --danger: var(--hither-danger, #ff9a90);
      --warn: #f0bd62;
      color-scheme: dark;
    }
  }
  @media (forced-colors: active) {
    :host,
    :host(:not([theme='light'])) {
      --surface: Canvas;
      --sunken: Canvas;
      --text: CanvasText;
      --muted: CanvasText;
      --line: GrayText;
      --line-strong: CanvasText;
      --edge: Highlight;
      --cloud: GrayText;
      --danger: CanvasText;
      --warn: CanvasText;
      --pad-paper: #ffffff;
      --pad-ink: #14181f;
    }
  }
  .card {
    display: grid;
    gap: 14px;
    height: auto;
    min-height: 180px;
    align-content: start;
  }
  header {
    display: flex;
    gap: 12px;
    align-items: baseline;
    justify-content: space-between;
  }
  h2 {
    font-size: 16px;
    color: var(--text);
  }
  .problem {
    padding: 10px 14px;
    background: var(--danger-soft);
    border-radius: var(--radius-small);
  }
  .input {
    display: grid;
    gap: 10px;
  }
  .row > * {
    position: relative;
    flex: 1;
  }
  textarea.field {
    min-height: 72px;
    padding: 10px 14px;
    resize: vertical;
  }
`
