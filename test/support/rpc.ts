import type { Backend, BackendOptions } from '../../src/backend/backend.ts'
import { openBackend } from '../../src/backend/open.ts'
import { openTransport } from '../../src/transport/open.ts'

/** Opens an rpc backend on a connection of its own, which is closed with it. */
export async function openRpcAt(brokerUrl: string, options: Partial<BackendOptions> = {}): Promise<Backend> {
  const transport = await openTransport(brokerUrl)
  const backend = await openBackend('rpc://', { transport: async () => transport, ...options })
  const close = backend.close.bind(backend)
  backend.close = async () => {
    await close()
    await transport.close()
  }
  return backend
}

/** What no rpc backend can do, whatever carries its messages. */
export const rpcCannot = {
  'counts the ends of a chord': 'nobody sees the results of others',
  'keeps groups until they are deleted': 'nothing is kept but what came to the process that called',
  'shows a connection that is opened later what was stored': 'a result is a message to the process that called',
} as const
