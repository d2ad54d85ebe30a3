import { describe, inject, it } from 'vitest'
import type { Endpoints, PartName } from './provision/part.ts'

/**
 * How to reach the real parts.
 *
 * @example
 * const { redis, rabbitmq } = parts()
 * await openTransport(redis.url)
 *
 * @throws when one is read that is not there; tests in `describeWith` never meet that.
 */
export function parts(): Endpoints {
  return new Proxy({} as Endpoints, { get: (_, name) => endpointOf(name as PartName) })
}

function endpointOf(name: PartName) {
  const part = inject('inventory')[name]
  if (!part || part.state === 'missing') throw new Error(`${name} is not there: ${whyMissing(name)}`)
  return part.endpoint
}

/**
 * `describe` for tests that need real parts. Where one is missing they are skipped, and their title says why; with
 * `CI=true` that is a failure.
 */
export function describeWith(needs: readonly PartName[], title: string, body: () => void): void {
  const missing = needs.map((name) => [name, whyMissing(name)]).filter(([, reason]) => reason !== undefined)
  const reasons = missing.map(([name, reason]) => `no ${name}: ${reason}`).join('\n')
  if (!missing.length) describe(title, body)
  else if (process.env.CI !== 'true') describe.skip(`${title} (${reasons.split('\n', 1)})`, body)
  else {
    describe(title, () => {
      it(`has ${missing.map(([name]) => name).join(' and ')}`, () => {
        throw new Error(reasons)
      })
    })
  }
}

function whyMissing(name: PartName): string | undefined {
  const part = inject('inventory')[name]
  if (!part) return 'not among the `needs` of this project in vitest.config.ts'
  return part.state === 'missing' ? part.reason : undefined
}
