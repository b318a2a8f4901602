import { noChange } from 'lit'
import { Directive, type DirectiveParameters, directive, type Part, type PartInfo, PartType } from 'lit/directive.js'

type Variables = Readonly<Record<`--${string}`, string | number>>

class CssVariables extends Directive {
  constructor(part: PartInfo) {
    super(part)
    if (part.type !== PartType.ELEMENT) throw new Error('cssVariables belongs on an element')
  }

  override render(_variables: Variables): unknown {
    return noChange
  }

  override update(part: Part, [variables]: DirectiveParameters<this>): unknown {
    if (part.type === PartType.ELEMENT && part.element instanceof HTMLElement) {
      for (const [name, value] of Object.entries(variables)) part.element.style.setProperty(name, String(value))
    }
    return noChange
  }
}

/**
 * Sets custom properties on an element: `<div ${cssVariables({ '--share': 0.4 })}>`. Goes through the CSSOM from the
 * first render on: a `style` attribute would be blocked by the page's content security policy.
 */
export const cssVariables = directive(CssVariables)
