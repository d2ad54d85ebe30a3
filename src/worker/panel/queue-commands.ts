import type { QueueInfo } from '../../control/inspect.ts'
import { type ExchangeType, exchange, exchangeTypes, type Queue, taskQueue } from '../../protocol/entity.ts'
import { type Commands, named, type PanelTarget } from './target.ts'

/** The queues that a worker serves. */
export const queueCommands: Commands = {
  active_queues: {
    kind: 'inspect',
    help: 'the queues that it serves',
    run: ({ queues }) => queues().map(describe),
  },
  add_consumer: {
    kind: 'control',
    help: 'serve one more queue',
    args: [
      ['queue', 'text'],
      ['exchange', 'text'],
      ['exchange_type', 'text'],
      ['routing_key', 'text'],
    ],
    signature: '<queue> [exchange [type [routing_key]]]',
    async run(worker, args) {
      const name = named(args, 'queue')
      if (!worker.queues().some((queue) => isNamed(queue, name))) {
        await worker.serve([...worker.queues(), wanted(worker, name, args)])
        worker.log.info(`Started consuming from ${name}`)
      }
      return { ok: `add consumer ${name}` }
    },
  },
  cancel_consumer: {
    kind: 'control',
    help: 'serve a queue no more',
    args: [['queue', 'text']],
    signature: '<queue>',
    async run(worker, args) {
      const name = named(args, 'queue')
      worker.log.info(`Canceling queue ${name}`)
      await worker.serve(worker.queues().filter((queue) => !isNamed(queue, name)))
      return { ok: `no longer consuming from ${name}` }
    },
  },
}

const isNamed = (queue: Queue, name: string) => queue.name === name || queue.alias === name

/** A queue that the app knows is as the app declares it; another is made as the command says. */
function wanted({ app }: PanelTarget, name: string, args: Readonly<Record<string, unknown>>): Queue {
  const { exchange: given, exchange_type: type, routing_key: routingKey } = args
  if (app.queues.has(name) || (!given && !routingKey)) return app.queues.get(name)
  const to = exchange(String(given ?? name), exchangeTypeOf(type))
  return taskQueue(name, { exchange: to, routingKey: String(routingKey ?? name) })
}

function exchangeTypeOf(given: unknown): ExchangeType {
  const found = exchangeTypes.find((type) => type === (given ?? 'direct'))
  if (found) return found
  throw new RangeError(`there is no exchange type ${given}`)
}

function describe(queue: Queue): QueueInfo {
  return {
    name: queue.name,
    exchange: {
      name: queue.exchange.name,
      type: queue.exchange.type,
      arguments: null,
      durable: queue.exchange.durable,
      passive: false,
      auto_delete: false,
      delivery_mode: null,
      no_declare: false,
    },
    routing_key: queue.routingKey,
    queue_arguments: queue.arguments ?? null,
    binding_arguments: queue.bindingArguments ?? null,
    consumer_arguments: null,
    durable: queue.durable,
    exclusive: queue.exclusive,
    auto_delete: queue.autoDelete,
    no_ack: queue.noAck,
    alias: queue.alias ?? null,
    bindings: [],
    no_declare: null,
    expires: null,
    message_ttl: null,
    max_length: null,
    max_length_bytes: null,
    max_priority: queue.maxPriority ?? null,
  }
}
