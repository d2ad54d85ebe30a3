import { humanizeSeconds } from '../schedule/humanize.ts'
import { maskUrl } from '../url.ts'
import { version } from '../version.ts'

export interface BannerFacts {
  readonly brokerUrl: string
  /** The app's name. */
  readonly app: string
  /** Where the last runs are kept. */
  readonly store: string
  readonly log: { readonly file: string; readonly level: string }
  /** Seconds. */
  readonly maxInterval: number
}

/** Celery's start banner of beat. Secrets are masked. */
export function banner({ brokerUrl, app, store, log, maxInterval }: BannerFacts): string {
  return `celery-sandbox beat v${version} is starting.
__    -    ... __   -        _
LocalTime -> ${localTime(new Date())}
Configuration ->
    . broker -> ${maskUrl(brokerUrl)}
    . app -> ${app}
    . scheduler -> ${store}
    . logfile -> ${log.file}@%${log.level.toUpperCase()}
    . maxinterval -> ${humanizeSeconds(maxInterval)} (${maxInterval}s)`
}

/** `2026-11-21 13:17:23`: the Swedes write it so. */
const localTime = (date: Date) => date.toLocaleString('sv-SE')
