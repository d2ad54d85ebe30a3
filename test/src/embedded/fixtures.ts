import { test as base } from 'vitest'
import { ManualClock } from '../../../src/clock.ts'
import { createEmbeddedBroker } from '../../../src/embedded/broker.ts'
import { until } from '../../support/wait.ts'
import { WireClient } from './wire-client.ts'

/** A started broker whose clock stands still, and as many connections to it as a test asks for. */
export const test = base
  .extend('clock', () => new ManualClock(Date.UTC(2026, 0, 1)))
  .extend('password', '')
  .extend('broker', async ({ clock, password }, { onCleanup }) => {
    const broker = createEmbeddedBroker({ clock, password })
    await broker.start()
    onCleanup(() => broker.stop())
    return broker
  })
  .extend('connect', async ({ broker }, { onCleanup }) => {
    const clients: WireClient[] = []
    onCleanup(() => {
      for (const client of clients) client.close()
    })
    return async () => {
      const client = await WireClient.open(broker.port)
      clients.push(client)
      return client
    }
  })
  .extend('client', ({ connect }) => connect())
  .extend('other', ({ connect }) => connect())

/** Resolves when so many clients wait in a blocking command. */
export async function blocked(client: WireClient, count: number): Promise<void> {
  await until(async () => (await client.call('INFO', 'clients'))?.toString().includes(`blocked_clients:${count}\r\n`), {
    everyMs: 1,
    describe: `${count} blocked clients`,
  })
}
