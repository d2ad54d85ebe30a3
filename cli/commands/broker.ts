import { createEmbeddedBroker } from '../../src/index.ts'
import { count, defineCommand } from '../command.ts'
import { onAbort, onOrphaned } from '../interrupt.ts'

type BrokerEvent = { type: 'ready'; port: number } | { type: 'stopped' }

/** The embedded broker as a process: how the embedded engine starts one. */
export const command = defineCommand({
  options: { port: count('--port <port>', 'where to listen on 127.0.0.1 (default: any free port)', 0) },
  examples: ['celery-sandbox broker --port 6379'],

  async *run({ env, signal }, { port }): AsyncIterable<BrokerEvent> {
    const password = env.CELERY_SANDBOX_BROKER_PASSWORD
    const broker = createEmbeddedBroker({ ...(port !== undefined && { port }), ...(password && { password }) })
    await broker.start()
    yield { type: 'ready', port: broker.port }
    await new Promise<void>((resolve) => {
      onAbort(signal, resolve)
      onOrphaned(resolve)
    })
    await broker.stop()
    yield { type: 'stopped' }
  },

  text: (event) => (event.type === 'ready' ? 'ready' : undefined),
})
