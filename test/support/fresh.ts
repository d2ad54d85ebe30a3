import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { parts } from './parts.ts'
import { askRedis } from './redis.ts'

/** The address of an empty Redis database that no other test uses. */
export async function freshRedisUrl(): Promise<string> {
  const { url, databases } = parts().redis
  const count = await askRedis(url, 'INCR celery-sandbox-test:databases')
  // Number 0 holds the counter.
  const fresh = withPath(url, 1 + (Number(count) % (databases - 1)))
  await askRedis(fresh, 'FLUSHDB')
  return fresh
}

/** The address of a new RabbitMQ virtual host. */
export async function freshAmqpUrl(): Promise<string> {
  const { url } = parts().rabbitmq
  const vhost = `test-${randomUUID()}`
  await manageRabbitmq('PUT', `vhosts/${vhost}`)
  await manageRabbitmq('PUT', `permissions/${vhost}/${new URL(url).username}`, {
    configure: '.*',
    write: '.*',
    read: '.*',
  })
  return withPath(url, vhost)
}

/** The address of a new PostgreSQL database. */
export async function freshPostgresqlUrl(): Promise<string> {
  const { url } = parts().postgresql
  const name = `test_${randomUUID().replaceAll('-', '')}`
  const sql = postgres(url, { max: 1, fetch_types: false })
  await sql.unsafe(`CREATE DATABASE ${name}`)
  await sql.end()
  return withPath(url, name)
}

const withPath = (url: string, path: string | number) => Object.assign(new URL(url), { pathname: `/${path}` }).href

/**
 * Calls RabbitMQ's management API and gives its answer.
 *
 * @example
 * await manageRabbitmq('GET', `queues/${vhost}`)
 */
export async function manageRabbitmq(method: string, path: string, body: object = {}): Promise<unknown> {
  const { origin, username, password } = new URL(parts().rabbitmq.managementUrl)
  const response = await fetch(`${origin}/api/${path}`, {
    method,
    headers: { authorization: `Basic ${btoa(`${username}:${password}`)}`, 'content-type': 'application/json' },
    ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`RabbitMQ refused ${method} ${path}: ${response.status} ${text}`)
  return text ? JSON.parse(text) : undefined
}
