import { eld } from 'eld/large'
import { franc } from 'franc'
import { detect, supportedLanguages, toISO2 } from 'tinyld/heavy'

/** A language detector of npm: the languages it shares with the model, and its answer out of those. */
export interface Detector {
  readonly name: string
  readonly languages: readonly string[]
  /** An ISO 639-1 code; empty when it can't tell. */
  detect(text: string): string
}

/** franc's ISO 639-3 codes of the model's languages; those that it does not know are not here. */
const francCodes: Readonly<Record<string, string>> = {
  af: 'afr',
  ar: 'arb',
  az: 'azj',
  be: 'bel',
  bg: 'bul',
  bn: 'ben',
  bs: 'bos',
  ca: 'cat',
  cs: 'ces',
  da: 'dan',
  de: 'deu',
  el: 'ell',
  en: 'eng',
  eo: 'epo',
  es: 'spa',
  et: 'ekk',
  fa: 'pes',
  fi: 'fin',
  fr: 'fra',
  gu: 'guj',
  he: 'heb',
  hi: 'hin',
  hr: 'hrv',
  hu: 'hun',
  hy: 'hye',
  id: 'ind',
  it: 'ita',
  ja: 'jpn',
  ka: 'kat',
  kk: 'kaz',
  ko: 'kor',
  lg: 'lug',
  lt: 'lit',
  lv: 'lvs',
  mk: 'mkd',
  mn: 'khk',
  mr: 'mar',
  ms: 'zlm',
  nb: 'nob',
  nl: 'nld',
  nn: 'nno',
  pa: 'pan',
  pl: 'pol',
  pt: 'por',
  ro: 'ron',
  ru: 'rus',
  sk: 'slk',
  sl: 'slv',
  sn: 'sna',
  so: 'som',
  sq: 'als',
  sr: 'srp',
  st: 'sot',
  sv: 'swe',
  sw: 'swh',
  ta: 'tam',
  te: 'tel',
  th: 'tha',
  tl: 'tgl',
  tn: 'tsn',
  tr: 'tur',
  ts: 'tso',
  uk: 'ukr',
  ur: 'urd',
  vi: 'vie',
  xh: 'xho',
  yo: 'yor',
  zh: 'cmn',
  zu: 'zul',
}

/** eld and tinyld have one Norwegian, which is Bokmål's. */
const toOurs = (code: string) => (code === 'no' ? 'nb' : code)
const toTheirs = (code: string) => (code === 'nb' ? 'no' : code)

/** The peers, each told to answer with one of the languages it shares with `languages`. */
export function createDetectors(languages: readonly string[]): Detector[] {
  const known = (codes: Iterable<string>) => {
    const set = new Set([...codes].map(toOurs))
    return languages.filter((language) => set.has(language))
  }
  const ofEld = known(Object.values(eld.info().Languages))
  eld.setLanguageSubset(ofEld.map(toTheirs))
  const ofTinyld = known(supportedLanguages.map(toISO2))
  const only = ofTinyld.map(toTheirs)
  const ofFranc = languages.filter((language) => Object.hasOwn(francCodes, language))
  const toShort = new Map(ofFranc.map((language) => [francCodes[language], language]))
  const codes = ofFranc.map((language) => francCodes[language] ?? '')
  return [
    { name: 'eld (large)', languages: ofEld, detect: (text) => toOurs(eld.detect(text).language) },
    { name: 'tinyld (heavy)', languages: ofTinyld, detect: (text) => toOurs(detect(text, { only })) },
    {
      name: 'franc',
      languages: ofFranc,
      detect: (text) => toShort.get(franc(text, { only: codes, minLength: 1 })) ?? '',
    },
  ]
}
