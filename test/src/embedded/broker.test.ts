import { once } from 'node:events'
import { createServer } from 'node:net'
import { Redis } from 'ioredis'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createEmbeddedBroker, type EmbeddedBrokerOptions } from '../../../src/embedded/broker.ts'
import { CeleryError } from '../../../src/errors.ts'
import { failOnLeaks } from '../../support/leaks.ts'
import { WireClient } from './wire-client.ts'

failOnLeaks()

async function startBroker(options: EmbeddedBrokerOptions = {}) {
  const broker = createEmbeddedBroker(options)
  onTestFinished(() => broker.stop())
  await broker.start()
  return broker
}

describe('the embedded broker', () => {
  it('tells its address, with the password a URL needs', async () => {
    const broker = await startBroker({ password: 'p@ss/word' })
    expect(broker.url).toBe(`redis://:p%40ss%2Fword@127.0.0.1:${broker.port}/0`)
    const redis = new Redis(broker.url)
    onTestFinished(() => redis.disconnect())
    expect(await redis.ping()).toBe('PONG')
  })

  it('starts and stops as often as it is told, on the same port, and keeps nothing', async () => {
    const broker = await startBroker()
    const { port } = broker
    await Promise.all([broker.start(), broker.start()])
    const client = await WireClient.open(port)
    await client.call('SET', 'key', 'x')
    await Promise.all([broker.stop(), broker.stop()])
    await client.closed()
    await Promise.all([broker.stop(), broker.start()])
    expect(broker.port).toBe(port)
    const next = await WireClient.open(port)
    expect(await next.call('GET', 'key')).toBeNull()
    await broker.stop()
    await next.closed()
  })

  it('stops though clients wait, subscribe and send', async () => {
    const broker = await startBroker()
    const clients = await Promise.all([1, 2, 3].map(() => WireClient.open(broker.port)))
    clients[0]?.send('BLPOP queue 60\r\n')
    clients[1]?.send('SUBSCRIBE news\r\n')
    clients[2]?.send('*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1000\r\nhalf')
    await broker.stop()
    await Promise.all(clients.map((client) => client.closed()))
  })

  it('listens to this machine only', () => {
    const everywhere = String('0.0.0.0') as '127.0.0.1'
    expect(() => createEmbeddedBroker({ host: everywhere })).toThrow(
      expect.objectContaining({ code: 'IMPROPERLY_CONFIGURED', message: expect.stringContaining('0.0.0.0') }),
    )
    expect(() => createEmbeddedBroker({ port: 70_000 })).toThrow(CeleryError)
  })

  it('says when its port is taken, and starts once it is free', async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    await once(squatter, 'listening')
    const address = squatter.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const broker = createEmbeddedBroker({ port })
    await expect(broker.start()).rejects.toMatchObject({
      code: 'IMPROPERLY_CONFIGURED',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    })
    squatter.close()
    await once(squatter, 'close')
    await broker.start()
    await broker.stop()
  })

  it('serves ioredis: pipelines, transactions, subscriptions, blocking calls', async () => {
    const broker = await startBroker()
    const redis = new Redis(broker.url)
    const subscriber = redis.duplicate()
    onTestFinished(() => {
      redis.disconnect()
      subscriber.disconnect()
    })
    await subscriber.psubscribe('news.*')
    const message = once(subscriber, 'pmessage')
    expect(await redis.multi().set('key', 'ünïcode').get('key').publish('news.today', 'hello').exec()).toEqual([
      [null, 'OK'],
      [null, 'ünïcode'],
      [null, 1],
    ])
    expect(await message).toEqual(['news.*', 'news.today', 'hello'])
    const popped = redis.duplicate()
    onTestFinished(() => popped.disconnect())
    const item = popped.brpop('queue', 0)
    await redis.lpush('queue', 'a')
    expect(await item).toEqual(['queue', 'a'])
    expect(await redis.hset('hash', { a: 1, b: 2 })).toBe(2)
    expect(await redis.hgetall('hash')).toEqual({ a: '1', b: '2' })
  })
})
