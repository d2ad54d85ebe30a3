import { arch, release, type } from 'node:os'
import { maskUrl, parseUrl } from '../url.ts'
import { version } from '../version.ts'
import { humanize } from './config/humanize.ts'
import type { Settings } from './config.ts'

/** What to put into a bug report, in Celery's form: versions, platform, and the settings that were given. */
export function bugReport({ conf }: { readonly conf: Settings }): string {
  const { brokerUrl, resultBackend } = conf
  return `
software -> celery-sandbox:${version} node:${process.versions.node}
platform -> system:${type()} arch:${arch()}
            kernel version:${release()}
settings -> transport:${parseUrl(brokerUrl).scheme} results:${maskUrl(resultBackend ?? 'disabled')}

${humanize(conf)}
`
}
