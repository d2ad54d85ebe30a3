import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/protocol/message.ts'
import { encodeEnvelope } from '../../src/transport/redis/envelope.ts'
import { appAt, calls } from './calls.ts'
import { amqpMessages, comparable, fromAmqp, fromEnvelope, recording, redisLists } from './recorded.ts'

/** A pickle can run anything when it is read: this library neither writes nor reads one. */
const never = ['serializer_pickle']

/** The recorder's own mistakes, which Python refused to send. */
const refusedByPython = ['datetime_args', 'group_with_link']

interface Sent {
  message: Message
  queue: string
}

async function published(name: string): Promise<Sent[]> {
  const app = appAt(`memory://${name}`)
  const transport = await app.transport()
  const sent: Sent[] = []
  const publish = transport.publish.bind(transport)
  transport.publish = async (message, exchange, queue) => {
    sent.push({ message, queue })
    await publish(message, exchange, queue)
  }
  await calls[name]?.(app)
  await app.close()
  return sent
}

describe('published messages', () => {
  it('cover the recordings', () => {
    const recorded = Object.keys(recording<object>('redis/publish.json'))
    expect(recorded.sort()).toEqual([...Object.keys(calls), ...never, ...refusedByPython].sort())
  })

  for (const name of Object.keys(calls)) {
    it(`are Celery's own on Redis: ${name}`, async () => {
      const theirs = Object.values(redisLists(name)).flat().reverse() // the last one sent is the first of the list
      const ours = (await published(name)).map(({ message, queue }) => encodeEnvelope(message, '', queue, 'tag'))
      expect(comparable(ours.map(fromEnvelope))).toEqual(comparable(theirs.map(fromEnvelope)))
      expect(ours.map(shape)).toEqual(theirs.map(shape))
    })

    const recorded = amqpMessages(name)
    if (recorded.length > 0) {
      it(`are Celery's own on RabbitMQ: ${name}`, async () => {
        const ours = await published(name)
        expect(comparable(ours.map(({ message }) => message))).toEqual(comparable(recorded.map(fromAmqp)))
        expect(ours.map(({ queue }) => queue)).toEqual(recorded.map((theirs) => theirs.delivery_info.routing_key))
      })
    }
  }
})

/** The envelope's keys in their order, at both levels. */
function shape(text: string): unknown {
  const envelope = JSON.parse(text)
  return [Object.keys(envelope), Object.keys(envelope.properties), envelope.properties.delivery_info]
}
