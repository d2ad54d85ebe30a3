import { type Exchange, exchange, type Queue, type QueueType } from './entity.ts'

/**
 * How RabbitMQ itself holds a message until its time (Celery's native delayed delivery, ≥ 5.5): 28 queues whose messages
 * stay 2^27 … 1 seconds. The delay in binary is the routing key; at each level a 1 waits in the queue, and a 0 goes past
 * it, down to the exchange that leads to the task's own.
 */

const highest = 27

/** As Celery: for queues whose messages a worker should not hold, and whose exchange can tell where they go. */
export const waitsAtBroker = ({ queueType, exchange }: Queue): boolean =>
  queueType === 'quorum' && exchange.name !== '' && exchange.type !== 'direct'

/** Where a message with a delay is published. */
export const delayExchange: Exchange = levelExchange(highest)

/** Where it comes out. */
export const deliveryExchange: Exchange = exchange('celery_delayed_delivery', 'topic')

/** Whether it has waited: it comes from a stage, and not from its task's exchange. */
export const hasWaited = ({ exchange }: { readonly exchange: string }): boolean =>
  exchange.startsWith('celery_delayed_')

/** What RabbitMQ can hold, in seconds: eight and a half years. */
export const longestDelay: number = 2 ** (highest + 1) - 1

/** @param seconds whole, from 1 to {@link longestDelay} */
export function delayedRoutingKey(seconds: number, routingKey: string): string {
  const bits = seconds.toString(2).padStart(highest + 1, '0')
  return [...bits, routingKey].join('.')
}

/** What a task's queue is bound to its exchange by, and that to {@link deliveryExchange}. */
export const delayedBindingKey = (routingKey: string): string => `#.${routingKey}`

/** One stage: its queue and its exchange have one name. */
export interface DelayLevel {
  readonly exchange: Exchange
  /** Where a message goes on from here, also one that has waited. */
  readonly next: Exchange
  readonly waitsFor: string
  readonly goesPast: string
  readonly queueArguments: Readonly<Record<string, unknown>>
}

/** All stages, the longest delay first. */
export function delayLevels(queueType: QueueType): DelayLevel[] {
  return Array.from({ length: highest + 1 }, (_, i) => {
    const level = highest - i
    const next = level === 0 ? deliveryExchange : levelExchange(level - 1)
    return {
      exchange: levelExchange(level),
      next,
      waitsFor: `${'*.'.repeat(i)}1.#`,
      goesPast: `${'*.'.repeat(i)}0.#`,
      queueArguments: {
        'x-queue-type': queueType,
        'x-overflow': 'reject-publish',
        'x-message-ttl': 2 ** level * 1000,
        'x-dead-letter-exchange': next.name,
        ...(queueType === 'quorum' && { 'x-dead-letter-strategy': 'at-least-once' }),
      },
    }
  })
}

function levelExchange(level: number): Exchange {
  return exchange(`celery_delayed_${level}`, 'topic')
}
