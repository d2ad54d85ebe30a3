import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/protocol/message.ts'
import { encodeEnvelope } from '../../src/transport/redis/envelope.ts'
import { appAt, calls } from './calls.ts'
import { amqpMessages, comparable, fromAmqp, fromEnvelope, recording, redisLists } from './recorded.ts'

/** Composed workflows: not published by this library yet. */
const notYet = ['chain', 'group', 'chord', 'chain_of_group', 'map', 'starmap', 'chunks']

/** A pickle can run anything when it is read: this library neither writes nor reads one. */
const never = ['serializer_pickle']

/** The recorder's own mistakes, which Python refused to send. */
const refusedByPython = ['datetime_args', 'group_with_link']

async function published(name: string): Promise<{ message: Message; queue: string }> {
  const app = appAt(`memory://${name}`)
  const transport = await app.transport()
  const { promise, resolve } = Promise.withResolvers<{ message: Message; queue: string }>()
  const publish = transport.publish.bind(transport)
  transport.publish = async (message, exchange, queue) => {
    resolve({ message, queue })
    await publish(message, exchange, queue)
  }
  await calls[name]?.(app)
  await app.close()
  return promise
}

describe('published messages', () => {
  it('cover the recordings', () => {
    const recorded = Object.keys(recording<object>('redis/publish.json'))
    expect(recorded.sort()).toEqual([...Object.keys(calls), ...notYet, ...never, ...refusedByPython].sort())
  })

  for (const name of Object.keys(calls)) {
    it(`are Celery's own on Redis: ${name}`, async () => {
      const [envelope] = Object.values(redisLists(name)).flat()
      const { message, queue } = await published(name)
      const ours = encodeEnvelope(message, '', queue, 'tag')
      expect(comparable(fromEnvelope(ours))).toEqual(comparable(fromEnvelope(String(envelope))))
      expect(shape(ours)).toEqual(shape(String(envelope)))
    })

    const [recorded] = amqpMessages(name)
    if (recorded) {
      it(`are Celery's own on RabbitMQ: ${name}`, async () => {
        const { message, queue } = await published(name)
        expect(comparable(message)).toEqual(comparable(fromAmqp(recorded)))
        expect(queue).toBe(recorded.delivery_info.routing_key)
      })
    }
  }
})

/** The envelope's keys in their order, at both levels. */
function shape(text: string): unknown {
  const envelope = JSON.parse(text)
  return [Object.keys(envelope), Object.keys(envelope.properties), envelope.properties.delivery_info]
}
