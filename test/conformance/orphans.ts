import { spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { taskQueue } from '../../src/protocol/entity.ts'
import { openTransport } from '../../src/transport/open.ts'
import { encodeEnvelope } from '../../src/transport/redis/envelope.ts'
import { hostPrefix } from '../../src/transport/redis/holder.ts'
import type { Delivery, Transport } from '../../src/transport/transport.ts'
import { until } from '../support/wait.ts'

/** Messages that a Redis consumer took and never acknowledged, whoever it was. */
export function orphansComeBack(place: () => Promise<string>): void {
  let url: string
  let redis: Redis
  beforeAll(async () => {
    url = await place()
    redis = new Redis(url)
  })
  afterAll(() => redis.disconnect())

  const deadProcess = () => spawnSync(process.execPath, ['-e', '']).pid

  const envelope = (queue: string) =>
    encodeEnvelope(
      {
        headers: { id: queue },
        properties: { deliveryMode: 2, priority: 6 },
        contentType: 'application/json',
        contentEncoding: 'utf-8',
        body: Buffer.from(queue),
      },
      '',
      queue,
      randomUUID(),
    )

  async function claim(queue: string, tag: string, ageSeconds: number): Promise<void> {
    await redis.hset('unacked', tag, `[${envelope(queue)}, "", ${JSON.stringify(queue)}]`)
    await redis.zadd('unacked_index', Date.now() / 1000 - ageSeconds, tag)
  }

  async function consumer(queues: string[], visibilityTimeout: number) {
    const transport: Transport = await openTransport(url, { visibilityTimeout })
    const got: Delivery[] = []
    await transport.consume(
      queues.map((name) => taskQueue(name)),
      (delivery) => got.push(delivery),
    )
    return { transport, got }
  }

  describe('what a consumer took and did not acknowledge', () => {
    it('comes back at once when its process on this host is dead, and stays when it lives or is elsewhere', async () => {
      const [dead, reborn, alive, elsewhere, python] = ['dead', 'reborn', 'alive', 'elsewhere', 'python'].map(
        (name) => `${name}.${randomUUID()}`,
      ) as [string, string, string, string, string]
      await claim(dead, `${hostPrefix}${deadProcess()}.7/x.1.1`, 60)
      await claim(reborn, `${hostPrefix}${process.pid}.7/x.1.1`, 60)
      const own = await consumer([`busy.${randomUUID()}`], 3600)
      const stem = await stemOf(own.transport)
      await claim(alive, `${stem}/another.1.1`, 60)
      await claim(elsewhere, `celery-sandbox/another-host/${deadProcess()}.7/x.1.1`, 60)
      await claim(python, randomUUID(), 60)
      const { transport, got } = await consumer([dead, reborn, alive, elsewhere, python], 3600)
      const wanted = process.platform === 'linux' ? [dead, reborn].sort() : [dead]
      await until(() => got.length >= wanted.length, { describe: 'the orphans' })
      expect(got.map(({ queue }) => queue).sort()).toEqual(wanted)
      expect(got.every(({ info, message }) => info.redelivered && message.properties.priority === 6)).toBe(true)
      const left = await redis.hvals('unacked')
      for (const queue of [alive, elsewhere, python]) expect(left.some((entry) => entry.includes(queue))).toBe(true)
      await transport.close()
      await own.transport.close()
    })

    it('comes back when it is older than the visibility timeout, whoever held it', async () => {
      const [elsewhere, python] = [`elsewhere.${randomUUID()}`, `python.${randomUUID()}`]
      await claim(elsewhere, `celery-sandbox/another-host/1.7/x.1.1`, 30)
      await claim(python, randomUUID(), 30)
      const { transport, got } = await consumer([elsewhere, python], 10)
      await until(() => got.length === 2, { describe: 'both messages' })
      expect(got.map(({ queue }) => queue).sort()).toEqual([elsewhere, python])
      await Promise.all(got.map((delivery) => delivery.ack()))
      await transport.close()
    })

    it('stays with its consumer, however long that takes, and with no other', async () => {
      const queue = `slow.${randomUUID()}`
      const [first, second] = [await consumer([queue], 1), await consumer([queue], 1)]
      await redis.lpush(queue, envelope(queue))
      await until(() => first.got.length + second.got.length === 1, { describe: 'the message' })
      // A claim that nobody renews marks the time: once it is back, the other has outlived its timeout as well.
      await claim(`mark.${queue}`, randomUUID(), -1)
      await until(async () => (await redis.llen(`mark.${queue}\x06\x166`)) === 1, { describe: 'the mark' })
      expect(first.got.length + second.got.length).toBe(1)
      await first.transport.close()
      await second.transport.close()
    })

    it('is not given back while another, Python for example, is at it', async () => {
      await redis.set('unacked_mutex', 'python', 'PX', 1_500)
      const queue = `dead.${randomUUID()}`
      await claim(queue, `${hostPrefix}${deadProcess()}.7/x.1.1`, 60)
      const { transport, got } = await consumer([queue], 3600)
      await until(() => got.length === 1, { describe: 'the orphan' })
      expect(await redis.get('unacked_mutex')).not.toBe('python')
      await transport.close()
    })

    it('becomes a dead letter when its record is no message', async () => {
      const tag = `${hostPrefix}${deadProcess()}.7/x.1.1`
      await redis.hset('unacked', tag, 'nonsense')
      await redis.zadd('unacked_index', 1, tag)
      const { transport } = await consumer([`idle.${randomUUID()}`], 3600)
      const [letter] = await until(
        async () => {
          const letters = await transport.deadLetters(1)
          return letters.length > 0 && letters
        },
        { describe: 'the dead letter' },
      )
      expect(Buffer.from(letter?.raw ?? []).toString()).toBe('nonsense')
      expect(await redis.hexists('unacked', tag)).toBe(0)
      await transport.close()
    })

    /** How the tags of this very process begin, as a message that it takes shows. */
    async function stemOf(transport: Transport): Promise<string> {
      const queue = `own.${randomUUID()}`
      const { promise, resolve } = Promise.withResolvers<Delivery>()
      await transport.consume([taskQueue(queue)], resolve)
      await redis.lpush(queue, envelope(queue))
      const delivery = await promise
      const tags = await redis.hkeys('unacked')
      const tag = tags.find(
        (candidate) => candidate.startsWith(`${hostPrefix}${process.pid}.`) && !candidate.includes('.7/'),
      )
      await delivery.ack()
      return tag?.split('/').slice(0, 3).join('/') ?? ''
    }
  })
}
