import { randomUUID } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { defaultExchange, exchange, taskQueue, transientQueue } from '../../src/protocol/entity.ts'
import type { Message } from '../../src/protocol/message.ts'
import type { ConsumeOptions, Delivery, Transport } from '../../src/transport/transport.ts'

/** What not every transport does; those that cannot say why. */
export type Ability = 'chooses by headers' | 'finds the message of a task, and leaves it where it is'

/** What Redis cannot, embedded or not. */
export const redisCannot = {
  'chooses by headers': 'a binding on Redis holds a routing key and a pattern, and no headers to compare',
} as const

/** What RabbitMQ cannot. */
export const amqpCannot = {
  'finds the message of a task, and leaves it where it is': 'AMQP shows a message only to who takes it from its queue',
} as const

/** What a transport promises to everyone above it; each of its implementations runs the same cases. */
export function transportConformance(
  open: () => Promise<Transport>,
  cannot: { readonly [A in Ability]?: string } = {},
): void {
  const itIfAble = (ability: Ability, run: () => Promise<void>) => {
    const reason = cannot[ability]
    if (reason === undefined) it(ability, run)
    else it.skip(`${ability} (cannot: ${reason})`, run)
  }

  const opened: Transport[] = []
  const connect = async () => {
    const transport = await open()
    opened.push(transport)
    return transport
  }
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((transport) => transport.close()))
  })

  describe('publishing and consuming', () => {
    it('delivers headers, properties and body as they were published', async () => {
      const transport = await connect()
      const queue = taskQueue(unique())
      const inbox = await consume(transport, [queue])
      const sent = message('hello', { headers: { task: 't', nothing: null, pair: [null, 5], deep: { a: 'ö' } } })
      await transport.publish(sent, defaultExchange, queue.name)
      const { message: got, info } = await inbox.next()
      expect(text(got)).toBe('hello')
      expect({ ...got, body: '' }).toEqual({ ...sent, body: '' })
      expect(info).toEqual({ exchange: '', routingKey: queue.name, priority: 0, redelivered: false })
    })

    it('delivers what was waiting before anyone consumed, oldest first', async () => {
      const transport = await connect()
      const queue = taskQueue(unique())
      await transport.declare(queue)
      for (const body of ['1', '2', '3']) await transport.publish(message(body), defaultExchange, queue.name)
      expect(await transport.size(queue.name)).toBe(3)
      const inbox = await consume(transport, [queue])
      expect([text(await inbox.next()), text(await inbox.next()), text(await inbox.next())]).toEqual(['1', '2', '3'])
    })

    it('carries a body of a megabyte, byte for byte', async () => {
      const transport = await connect()
      const queue = taskQueue(unique())
      const inbox = await consume(transport, [queue])
      const body = Uint8Array.from({ length: 1_000_000 }, (_, i) => i % 251)
      await transport.publish({ ...message(''), body, contentEncoding: 'binary' }, defaultExchange, queue.name)
      const delivery = await inbox.next()
      expect(Buffer.from(delivery.message.body).equals(body)).toBe(true)
    })

    it('consumes from several queues at once', async () => {
      const transport = await connect()
      const queues = [taskQueue(unique()), taskQueue(unique())]
      const inbox = await consume(transport, queues)
      for (const queue of queues) await transport.publish(message(queue.name), defaultExchange, queue.name)
      const got = [await inbox.next(), await inbox.next()]
      expect(got.map((delivery) => delivery.queue).sort()).toEqual(queues.map((queue) => queue.name).sort())
      expect(got.map(text).sort()).toEqual(queues.map((queue) => queue.name).sort())
    })

    it('reaches a waiting consumer from another connection', async () => {
      const queue = taskQueue(unique())
      const inbox = await consume(await connect(), [queue])
      const publisher = await connect()
      await publisher.publish(message('from afar'), defaultExchange, queue.name)
      expect(text(await inbox.next())).toBe('from afar')
    })
  })

  describe('acknowledging', () => {
    it('forgets an acknowledged message', async () => {
      const queue = taskQueue(unique())
      const first = await connect()
      const inbox = await consume(first, [queue])
      await first.publish(message('once'), defaultExchange, queue.name)
      await (await inbox.next()).ack()
      await first.close()
      const second = await connect()
      await second.declare(queue)
      expect(await second.size(queue.name)).toBe(0)
    })

    it('forgets a rejected message', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      await transport.publish(message('bad'), defaultExchange, queue.name)
      await (await inbox.next()).reject({ requeue: false })
      await transport.publish(message('good'), defaultExchange, queue.name)
      expect(text(await inbox.next())).toBe('good')
    })

    it('delivers a requeued message again and says so', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      await transport.publish(message('again'), defaultExchange, queue.name)
      await (await inbox.next()).reject({ requeue: true })
      const second = await inbox.next()
      expect([text(second), second.info.redelivered]).toEqual(['again', true])
    })

    it('gives unacknowledged messages back when it closes', async () => {
      const queue = taskQueue(unique())
      const dying = await connect()
      const inbox = await consume(dying, [queue])
      for (const body of ['1', '2']) await dying.publish(message(body), defaultExchange, queue.name)
      await inbox.next()
      await inbox.next()
      await dying.close()
      const heir = await consume(await connect(), [queue])
      const got = [await heir.next(), await heir.next()]
      expect(got.map(text).sort()).toEqual(['1', '2'])
      expect(got.every((delivery) => delivery.info.redelivered)).toBe(true)
    })

    it('may acknowledge twice without harm', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      await transport.publish(message('x'), defaultExchange, queue.name)
      const delivery = await inbox.next()
      await delivery.ack()
      await delivery.ack()
      await delivery.reject({ requeue: true })
      await transport.publish(message('y'), defaultExchange, queue.name)
      expect(text(await inbox.next())).toBe('y')
    })

    it('needs no acknowledgement from a queue without them', async () => {
      const queue = { ...taskQueue(unique()), noAck: true }
      const first = await connect()
      const inbox = await consume(first, [queue])
      await first.publish(message('gone'), defaultExchange, queue.name)
      await inbox.next()
      await first.close()
      const second = await connect()
      await second.declare(queue)
      expect(await second.size(queue.name)).toBe(0)
    })
  })

  describe('dead letters', () => {
    it('keeps a message that nobody can carry out with its reason, away from its queue', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      const reason = `beyond mending: ${queue.name}`
      await transport.publish(
        message('\0broken', { headers: { id: 'abc', nothing: null } }),
        defaultExchange,
        queue.name,
      )
      await (await inbox.next()).deadLetter(reason)
      const [letter] = await transport.deadLetters()
      expect(letter).toMatchObject({ reason, queue: queue.name, headers: { id: 'abc', nothing: null } })
      expect(Math.abs(Date.now() - Date.parse(letter?.time ?? ''))).toBeLessThan(60_000)
      const raw = Buffer.from(letter?.raw ?? []).toString()
      expect(raw).toContain(transport.name === 'redis' ? Buffer.from('\0broken').toString('base64') : '\0broken')
      await transport.close()
      expect(await (await connect()).size(queue.name)).toBe(0)
    })

    it('shows the newest first, as often as one looks', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      for (const body of ['1', '2', '3']) await transport.publish(message(body), defaultExchange, queue.name)
      for (const reason of ['first', 'second', 'third']) await (await inbox.next()).deadLetter(reason)
      const reasons = async (limit: number) => (await transport.deadLetters(limit)).map(({ reason }) => reason)
      expect(await reasons(2)).toEqual(['third', 'second'])
      expect(await reasons(3)).toEqual(['third', 'second', 'first'])
    })

    it('makes room for the next message', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue], { prefetch: 1 })
      for (const body of ['1', '2']) await transport.publish(message(body), defaultExchange, queue.name)
      const first = await inbox.next()
      await first.deadLetter('bad')
      await first.deadLetter('still bad')
      await first.reject({ requeue: true })
      expect(text(await inbox.next())).toBe('2')
      expect((await transport.deadLetters(1))[0]?.reason).toBe('bad')
    })
  })

  describe('finding', () => {
    itIfAble('finds the message of a task, and leaves it where it is', async () => {
      const [queue, other] = [taskQueue(unique()), taskQueue(unique())]
      const transport = await connect()
      for (const declared of [queue, other]) await transport.declare(declared)
      const id = randomUUID()
      const calling = (headers: Message['headers'], correlationId: string) =>
        message('', { headers, properties: { deliveryMode: 2, priority: 0, correlationId } })
      const protocol1 = calling({}, id)
      const protocol2 = calling({ task: 't', id }, 'c')
      const stranger = calling({ task: 't', id: `${id}0` }, id)
      for (const one of [stranger, protocol2, stranger, protocol1]) {
        await transport.publish(one, defaultExchange, queue.name)
      }
      const look = async () =>
        (await transport.find(id, [queue.name, other.name])).map((found) => [found.queue, found.ahead])
      expect(await transport.find(id, [other.name])).toEqual([])
      expect(await look()).toEqual([
        [queue.name, 1],
        [queue.name, 3],
      ])
      expect(await transport.size(queue.name)).toBe(4)

      const inbox = await consume(await connect(), [queue], { prefetch: 2 })
      await (await inbox.next()).ack()
      const taken = await inbox.next()
      expect([taken.message.headers, taken.info.redelivered]).toEqual([protocol2.headers, false])
      await inbox.next()
      expect(await look()).toEqual([
        [queue.name, 0],
        [queue.name, undefined],
      ])
      const [, inHand] = await transport.find(id, [queue.name])
      expect(inHand).toMatchObject({ message: protocol2, info: { exchange: '', routingKey: queue.name } })
      await taken.ack()
      expect((await transport.find(id, [queue.name])).map(({ message }) => message)).toEqual([protocol1])
    })

    it('finds a task of an unusual name or says that it cannot', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      await transport.declare(queue)
      const id = `ö "\\ ${queue.name}`
      await transport.publish(message('', { headers: { task: 't', id } }), defaultExchange, queue.name)
      if (transport.name === 'amqp') {
        await expect(transport.find(id, [queue.name])).rejects.toMatchObject({ code: 'UNSUPPORTED' })
      } else {
        expect(await transport.find(id, [queue.name])).toHaveLength(1)
      }
    })
  })

  describe('prefetch', () => {
    it('holds no more than the prefetch count, and goes on as room is made', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue], { prefetch: 2 })
      for (const body of ['1', '2', '3', '4']) await transport.publish(message(body), defaultExchange, queue.name)
      const [first] = [await inbox.next(), await inbox.next()]
      const observer = await connect()
      expect(await observer.size(queue.name)).toBe(2)
      expect(inbox.size).toBe(0)
      await first.ack()
      expect(text(await inbox.next())).toBe('3')
    })

    it('takes more at once when the prefetch count is raised', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue], { prefetch: 1 })
      for (const body of ['1', '2']) await transport.publish(message(body), defaultExchange, queue.name)
      const first = await inbox.next()
      await inbox.consumer.setPrefetch(2)
      if (transport.name === 'amqp') await first.ack() // RabbitMQ looks again when something is acknowledged
      expect(text(await inbox.next())).toBe('2')
    })

    it('shares the work of one queue between consumers', async () => {
      const queue = taskQueue(unique())
      const busy = await consume(await connect(), [queue], { prefetch: 1 })
      const publisher = await connect()
      await publisher.publish(message('1'), defaultExchange, queue.name)
      await busy.next()
      const idle = await consume(await connect(), [queue], { prefetch: 1 })
      await publisher.publish(message('2'), defaultExchange, queue.name)
      expect(text(await idle.next())).toBe('2')
    })
  })

  describe('cancelling', () => {
    it('delivers nothing more, and still takes acknowledgements', async () => {
      const queue = taskQueue(unique())
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      await transport.publish(message('last'), defaultExchange, queue.name)
      const last = await inbox.next()
      await inbox.consumer.cancel()
      await transport.publish(message('later'), defaultExchange, queue.name)
      await last.ack()
      expect(await (await connect()).size(queue.name)).toBe(1)
      expect(inbox.size).toBe(0)
    })
  })

  describe('routing', () => {
    it('tells how queues are bound', async () => {
      const transport = await connect()
      const topic = exchange(unique(), 'topic')
      const queue = taskQueue(unique(), { exchange: topic, routingKey: 'a.*' })
      await transport.declare(queue)
      const bindings = await transport.bindings()
      expect(bindings).toContainEqual({ queue: queue.name, exchange: topic.name, routingKey: 'a.*' })
    })

    it('leads a direct exchange to the queues with that routing key', async () => {
      const direct = exchange(unique())
      const queue = taskQueue(unique(), { exchange: direct, routingKey: 'red' })
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      await transport.publish(message('blue'), direct, 'blue')
      await transport.publish(message('red'), direct, 'red')
      const delivery = await inbox.next()
      expect(text(delivery)).toBe('red')
      expect(delivery.info).toMatchObject({ exchange: direct.name, routingKey: 'red' })
    })

    it('matches the words of a topic', async () => {
      const topic = exchange(unique(), 'topic')
      const queue = taskQueue(unique(), { exchange: topic, routingKey: 'order.*.paid' })
      const transport = await connect()
      const inbox = await consume(transport, [queue])
      for (const key of ['order.paid', 'order.1.sent', 'order.1.paid'])
        await transport.publish(message(key), topic, key)
      expect(text(await inbox.next())).toBe('order.1.paid')
    })

    it('sends a fanout to everyone who listens', async () => {
      const fanout = exchange(unique(), 'fanout', { durable: false })
      const inboxes = await Promise.all(
        [1, 2].map(async () => consume(await connect(), [transientQueue(unique(), fanout, '')])),
      )
      await (await connect()).publish(message('all'), fanout, '')
      expect(await Promise.all(inboxes.map(async (inbox) => text(await inbox.next())))).toEqual(['all', 'all'])
    })

    itIfAble('chooses by headers', async () => {
      const byHeaders = exchange(unique(), 'headers')
      const bound = (bindingArguments: Record<string, unknown>) =>
        taskQueue(unique(), { exchange: byHeaders, bindingArguments })
      const all = bound({ 'x-match': 'all', format: 'pdf', pages: 2 })
      const any = bound({ 'x-match': 'any', format: 'pdf', pages: 2 })
      const transport = await connect()
      const inboxes = [await consume(transport, [all]), await consume(transport, [any])]
      const sent = { short: { format: 'pdf', pages: 1 }, other: { format: 'png' }, exact: { format: 'pdf', pages: 2 } }
      for (const [body, headers] of Object.entries(sent)) {
        await transport.publish(message(body, { headers }), byHeaders, 'ignored')
      }
      expect(text((await inboxes[0]?.next()) as Delivery)).toBe('exact')
      expect(text((await inboxes[1]?.next()) as Delivery)).toBe('short')
      expect(text((await inboxes[1]?.next()) as Delivery)).toBe('exact')
    })

    it('loses a message that no queue wants, without complaint', async () => {
      const transport = await connect()
      const direct = exchange(unique())
      await transport.declare(taskQueue(unique(), { exchange: direct, routingKey: 'wanted' }))
      await expect(transport.publish(message('lost'), direct, 'unwanted')).resolves.toBeUndefined()
    })
  })

  describe('queues', () => {
    it('purges what waits and says how much that was', async () => {
      const transport = await connect()
      const queue = taskQueue(unique())
      await transport.declare(queue)
      for (const body of ['1', '2', '3']) await transport.publish(message(body), defaultExchange, queue.name)
      expect(await transport.purge(queue.name)).toBe(3)
      expect(await transport.size(queue.name)).toBe(0)
    })

    it('counts nothing in a queue that nobody declared', async () => {
      expect(await (await connect()).size(unique())).toBe(0)
    })

    it('leaves a queue that goes with its consumer to that one, whoever declared it', async () => {
      const queue = taskQueue(unique(), { exchange: exchange(unique()), autoDelete: true })
      const send = async (...bodies: string[]) => {
        const sender = await connect()
        await sender.declare(queue)
        for (const body of bodies) await sender.publish(message(body), queue.exchange, queue.routingKey)
        await sender.close()
      }
      await send('1')
      const inbox = await consume(await connect(), [queue], { prefetch: 1 })
      await send('2')
      for (const body of ['1', '2']) {
        const delivery = await inbox.next()
        expect(text(delivery)).toBe(body)
        await delivery.ack()
      }
      await (await connect()).publish(message('3'), queue.exchange, queue.routingKey)
      expect(text(await inbox.next())).toBe('3')
    })

    it('keeps a queue that goes with its consumer as long as the same connection has another', async () => {
      const transport = await connect()
      const queue = taskQueue(unique(), { exchange: exchange(unique()), autoDelete: true })
      const first = await consume(transport, [queue], { prefetch: 1 })
      const send = (body: string) => transport.publish(message(body), queue.exchange, queue.routingKey)
      for (const body of ['1', '2', '3']) await send(body)
      const one = await first.next()
      const second = await consume(transport, [queue])
      await first.consumer.cancel()
      await one.ack()
      await send('4')
      expect([text(await second.next()), text(await second.next()), text(await second.next())]).toEqual(['2', '3', '4'])
    })

    it('deletes a queue with what waits in it', async () => {
      const transport = await connect()
      const queue = taskQueue(unique())
      await transport.declare(queue)
      await transport.publish(message('x'), defaultExchange, queue.name)
      await transport.delete(queue)
      expect(await transport.size(queue.name)).toBe(0)
    })
  })
}

const unique = () => `test.${randomUUID()}`

function message(body: string, overrides: Partial<Message> = {}): Message {
  return {
    headers: {},
    properties: { deliveryMode: 2, priority: 0, correlationId: 'c', replyTo: 'r' },
    contentType: 'application/json',
    contentEncoding: 'utf-8',
    body: Buffer.from(body),
    ...overrides,
  }
}

const text = (of: Message | Delivery) => Buffer.from('message' in of ? of.message.body : of.body).toString()

/** Deliveries in the order they came, to be awaited one by one. */
async function consume(transport: Transport, queues: Parameters<Transport['consume']>[0], options?: ConsumeOptions) {
  const arrived: Delivery[] = []
  const waiting: ((delivery: Delivery) => void)[] = []
  const onDelivery = (delivery: Delivery) => {
    const waiter = waiting.shift()
    if (waiter) waiter(delivery)
    else arrived.push(delivery)
  }
  const consumer = await transport.consume(queues, onDelivery, options)
  return {
    consumer,
    get size() {
      return arrived.length
    },
    next: () =>
      new Promise<Delivery>((resolve) => {
        const delivery = arrived.shift()
        if (delivery) resolve(delivery)
        else waiting.push(resolve)
      }),
  }
}
