import { svg } from 'lit'
import { icon } from './icon.ts'

export const microphoneIcon = icon(
  svg`<rect x="7.2" y="2.5" width="5.6" height="9.5" rx="2.8" /><path d="M4 9.5a6 6 0 0 0 12 0M10 15.5v2.5" />`,
)
export const cameraIcon = icon(
  svg`<rect x="2.5" y="5.5" width="15" height="10.5" rx="2.5" /><circle cx="10" cy="10.7" r="3" /><path d="M7 5.5 8.2 3.5h3.6L13 5.5" />`,
)
