import { html, type TemplateResult } from 'lit'
import { deviceIcon, homeIcon, modelsIcon, routesIcon, settingsIcon } from '../../ui/design/page-icons.ts'
import { t } from '../../ui/texts/text.ts'
import type { App } from '../state/app.ts'

export const pageNames = ['home', 'device', 'models', 'routes', 'settings'] as const
export type PageName = (typeof pageNames)[number]

/** A place in the app: `#/models`, `#/task/faces`. */
export interface Place {
  readonly page: PageName
  /** What of the page: a task's name. */
  readonly part: string
}

interface Page {
  readonly icon: TemplateResult
  readonly title: () => string
  /** Fetches what the page needs. */
  readonly load: () => Promise<unknown>
  readonly render: (app: App, part: string) => TemplateResult
}

/** The pages in the order of the navigation. Each is fetched when it is first opened. */
export const pages: Record<PageName, Page> = {
  home: {
    icon: homeIcon,
    title: () => t('nav.home', 'Home'),
    load: () => import('../home-page/home-page.ts'),
    render: (app, part) => html`<home-page .app=${app} .task=${part}></home-page>`,
  },
  device: {
    icon: deviceIcon,
    title: () => t('nav.device', 'Device'),
    load: () => import('../device-page/device-page.ts'),
    render: (app) => html`<device-page .app=${app}></device-page>`,
  },
  models: {
    icon: modelsIcon,
    title: () => t('nav.models', 'Models'),
    load: () => import('../models-page/models-page.ts'),
    render: (app) => html`<models-page .app=${app}></models-page>`,
  },
  routes: {
    icon: routesIcon,
    title: () => t('nav.routes', 'Routes'),
    load: () => import('../routes-page/routes-page.ts'),
    render: (app) => html`<routes-page .app=${app}></routes-page>`,
  },
  settings: {
    icon: settingsIcon,
    title: () => t('nav.settings', 'Settings'),
    load: () => import('../settings-page/settings-page.ts'),
    render: (app) => html`<settings-page .app=${app}></settings-page>`,
  },
}

const isPageName = (name: string | undefined): name is PageName => pageNames.some((each) => each === name)

/** Reads an address's fragment. What it doesn't know leads home. */
export function parsePlace(hash: string): Place {
  const [name, part = ''] = hash.replace(/^#?\/?/, '').split('/')
  if (name === 'task') return { page: 'home', part }
  return { page: isPageName(name) ? name : 'home', part: '' }
}

export const addressOf = (page: PageName): string => (page === 'home' ? '#/' : `#/${page}`)
