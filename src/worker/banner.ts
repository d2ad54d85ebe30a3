import { release, type } from 'node:os'
import type { Queue } from '../protocol/entity.ts'
import { maskUrl } from '../url.ts'
import { version } from '../version.ts'
import type { Range } from './autoscale.ts'

export interface BannerFacts {
  readonly hostname: string
  readonly main: string
  readonly brokerUrl: string
  readonly resultBackend: string | null
  readonly concurrency: number
  readonly autoscale: Range | undefined
  readonly pool: string
  readonly taskEvents: boolean
  readonly queues: readonly Queue[]
  readonly tasks: readonly string[]
}

/** Celery's start banner: what this worker is, where it is connected, what it serves. Secrets are masked. */
export function banner(facts: BannerFacts): string {
  const { hostname, main, brokerUrl, resultBackend, concurrency, autoscale, pool, taskEvents, queues, tasks } = facts
  const size = autoscale ? `{min=${autoscale.min}, max=${autoscale.max}}` : concurrency
  const events = taskEvents ? 'ON' : 'OFF (enable -E to monitor tasks in this worker)'
  const queueLines = queues.map(({ name, exchange, routingKey }) => {
    return `.> ${name.padEnd(16)} exchange=${exchange.name}(${exchange.type}) key=${routingKey}`
  })
  return `
 -------------- ${hostname} celery-sandbox v${version}
--- ***** -----
-- ******* ---- ${type()}-${release()} on Node ${process.versions.node}
- *** --- * ---
- ** ---------- [config]
- ** ---------- .> app:         ${main}
- ** ---------- .> transport:   ${maskUrl(brokerUrl)}
- ** ---------- .> results:     ${resultBackend ? maskUrl(resultBackend) : 'disabled://'}
- *** --- * --- .> concurrency: ${size} (${pool})
-- ******* ---- .> task events: ${events}
--- ***** -----
 -------------- [queues]
                ${queueLines.join('\n                ')}

[tasks]
${tasks.map((name) => `  . ${name}`).join('\n')}
`
}
