import { WidgetError } from './widget-error.ts'

/** An attribute as an address, from the page's own where it is a path. @throws {WidgetError} `config-invalid` */
export function toAddress(attribute: string, text: string): URL {
  if (URL.canParse(text, document.baseURI)) return new URL(text, document.baseURI)
  throw new WidgetError(`The widget’s ${attribute} is no address.`, 'config-invalid')
}
