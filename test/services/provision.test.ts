import { connect } from 'amqplib'
import postgres from 'postgres'
import { expect, it } from 'vitest'
import { freshAmqpUrl, freshPostgresqlUrl, freshRedisUrl, manageRabbitmq } from '../support/fresh.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { pythonClient } from '../support/python/client.ts'
import { startPythonWorker } from '../support/python/worker.ts'
import { askRedis } from '../support/redis.ts'

failOnLeaks()

describeWith(['redis'], 'the Redis of the tests', () => {
  it('answers PING', async () => {
    expect(await askRedis(parts().redis.url, 'PING')).toBe('PONG')
  })

  it('has an empty database for everyone who asks', async () => {
    const [first, second] = [await freshRedisUrl(), await freshRedisUrl()]
    expect(await askRedis(first, 'SET key value', 'DBSIZE')).toBe('1')
    expect(await askRedis(second, 'DBSIZE')).toBe('0')
  })

  it('refuses in its own words', async () => {
    await expect(askRedis(parts().redis.url, 'PING', 'NONSENSE')).rejects.toThrow(
      "Redis refused NONSENSE: ERR unknown command 'NONSENSE'",
    )
  })
})

describeWith(['rabbitmq'], 'the RabbitMQ of the tests', () => {
  it('lets its administrator and guest in', async () => {
    const { url } = parts().rabbitmq
    for (const user of [url, url.replace(/\/\/.*@/, '//guest:guest@')]) {
      const connection = await connect(user)
      await connection.close()
    }
  })

  it('has a virtual host for everyone who asks', async () => {
    const connection = await connect(await freshAmqpUrl())
    await connection.close()
  })

  it('says over HTTP what it holds', async () => {
    expect(await manageRabbitmq('GET', 'overview')).toMatchObject({ product_name: 'RabbitMQ' })
  })
})

describeWith(['postgresql'], 'the PostgreSQL of the tests', () => {
  it('has an empty database for everyone who asks, and lets nobody in without the password', async () => {
    const url = await freshPostgresqlUrl()
    const sql = postgres(url)
    expect([...(await sql`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`)]).toEqual([])
    await sql.end()
    const stranger = postgres(Object.assign(new URL(url), { password: 'guessed' }).href)
    await expect(stranger`SELECT 1`).rejects.toMatchObject({ code: '28P01' })
    await stranger.end()
  })
})

describeWith(['redis', 'rabbitmq', 'python'], 'the Python Celery of the tests', () => {
  it.each([
    ['Redis', freshRedisUrl],
    ['RabbitMQ', freshAmqpUrl],
  ])('calls a task over %s and gets its result', async (_, freshUrl) => {
    const app = { broker: await freshUrl(), backend: await freshRedisUrl() }
    await using worker = await startPythonWorker(app)
    await using python = await pythonClient(app)
    expect(await python.eval('add.delay(4, 4).get(timeout=10)')).toBe(8)
    await worker.until(/Task tasks\.add\[[-0-9a-f]{36}\] succeeded/)
  })

  it('keeps names between snippets and raises as Python does', async () => {
    await using python = await pythonClient({ broker: 'memory://' })
    expect(await python.eval('x = {"a": (1, None)}\ndef twice(y): return [y, y]')).toBeNull()
    expect(await python.eval('twice(x)')).toEqual([{ a: [1, null] }, { a: [1, null] }])
    await expect(python.eval('boom("no good")')).rejects.toMatchObject({ name: 'ValueError', message: 'no good' })
  })
})
