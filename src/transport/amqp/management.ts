import type { Options } from 'amqplib'
import { CeleryError, messageOf } from '../../errors.ts'
import { isObject } from '../../protocol/json.ts'
import type { Binding } from '../transport.ts'

interface Manager {
  readonly broker: Options.Connect
  readonly port: number
  readonly timeoutMs: number
}

/** How queues are bound, from RabbitMQ's management plugin: AMQP itself has no word for that question. */
export async function askBindings({ broker, port, timeoutMs }: Manager): Promise<Binding[]> {
  const { hostname = '', username = '', password = '', vhost = '/' } = broker
  const scheme = broker.protocol === 'amqps' ? 'https' : 'http'
  const host = hostname.includes(':') ? `[${hostname}]` : hostname
  const url = `${scheme}://${host}:${port}/api/bindings/${encodeURIComponent(vhost)}`
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  try {
    const response = await fetch(url, { headers: { authorization }, signal: AbortSignal.timeout(timeoutMs) })
    if (!response.ok) throw new Error(`it answers ${response.status} ${response.statusText}`)
    return read(await response.json())
  } catch (cause) {
    const next = 'Enable the management plugin, and name its port: brokerTransportOptions: { managerPort }.'
    const what = `RabbitMQ lists its bindings at ${url} only: ${messageOf(cause)}`
    throw new CeleryError('UNSUPPORTED', what, { cause, next })
  }
}

const read = (answer: unknown): Binding[] =>
  (Array.isArray(answer) ? answer : []).filter(isObject).flatMap((binding) =>
    binding.destination_type === 'queue'
      ? [
          {
            queue: String(binding.destination),
            exchange: String(binding.source),
            routingKey: String(binding.routing_key),
          },
        ]
      : [],
  )
