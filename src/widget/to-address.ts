import { WidgetError } from './widget-error.ts'

/**
 * An attribute as an address that others can be relative to, from the page's own where it is a path: no `javascript:`,
 * `data:` or `blob:`.
 *
 * @throws {WidgetError} `config-invalid`
 */
export function toAddress(attribute: string, text: string): URL {
  const address = URL.canParse(text, document.baseURI) ? new URL(text, document.baseURI) : undefined
  if (address !== undefined && URL.canParse('.', address)) return address
  throw new WidgetError(`The widget’s ${attribute} is no address.`, 'config-invalid')
}
