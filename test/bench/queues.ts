import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { provision } from '../support/provision/index.ts'
import type { Endpoints, PartName } from '../support/provision/part.ts'
import { bullmq } from './contenders/bullmq.ts'
import { celery } from './contenders/celery.ts'
import type { OpenContender } from './contenders/contender.ts'
import { ours } from './contenders/ours.ts'
import { rawRabbitmq } from './contenders/raw-rabbitmq.ts'
import { rawRedis } from './contenders/raw-redis.ts'

/**
 * How fast no-op tasks go through, beside others on this machine: all contenders in turn, several rounds, medians and
 * ratios. `node test/bench/queues.ts [count] [rounds]`.
 */

const [count = 20_000, rounds = 3] = process.argv.slice(2).map(Number)

/** A runtime that is this much slower gets as much less to do. */
const shareOfCelery = 1 / 10

interface Entry {
  readonly open: OpenContender
  readonly share?: number
}

type Figures = { publish: number[]; drain: number[]; roundTrip: number[] }

async function compare(title: string, place: () => Promise<string>, entries: readonly Entry[]): Promise<void> {
  const figures = new Map<string, Figures>()
  // Round 0 warms everything up, and does not count.
  for (let round = 0; round <= rounds; round++) {
    for (const { open, share = 1 } of entries) {
      await empty(`${endpoint('redis').url}/2`)
      const contender = await open(await place())
      const found = figures.get(contender.name) ?? { publish: [], drain: [], roundTrip: [] }
      figures.set(contender.name, found)
      const tasks = Math.round(count * share)
      const publish = perSecond(tasks, await contender.publish(tasks))
      const drain = perSecond(tasks, await contender.drain(tasks))
      const roundTrips = (await contender.roundTrips?.(200)) ?? []
      await contender.close()
      if (round === 0) continue
      found.publish.push(publish)
      found.drain.push(drain)
      if (roundTrips.length > 0) found.roundTrip.push(median(roundTrips))
      console.error(`${title}, round ${round}: ${contender.name}`)
    }
  }
  print(title, figures)
}

function print(title: string, figures: ReadonlyMap<string, Figures>): void {
  const [ourName = ''] = figures.keys()
  const ours = figures.get(ourName)
  console.log(`\n${title}: ${count} no-ops, medians of ${rounds}; in brackets, ${ourName} as a multiple of it`)
  console.log(`${''.padEnd(28)}${['publish/s', 'drain/s', 'round trip'].map((head) => head.padStart(20)).join('')}`)
  for (const [name, { publish, drain, roundTrip }] of figures) {
    const cells = [
      rate(publish, ours?.publish),
      rate(drain, ours?.drain),
      roundTrip.length === 0
        ? ''
        : `${median(roundTrip).toFixed(2)} ms ${ratio(median(ours?.roundTrip ?? []), median(roundTrip))}`,
    ]
    console.log(`${name.padEnd(28)}${cells.map((cell) => cell.padStart(20)).join('')}`)
  }
}

const rate = (values: readonly number[], ours: readonly number[] = []) =>
  `${Math.round(median(values))} ${ratio(median(ours), median(values))}`

const ratio = (ours: number, theirs: number) => `(${(ours / theirs).toFixed(2)} ×)`

const perSecond = (tasks: number, ms: number) => (tasks / ms) * 1000

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function empty(url: string): Promise<string> {
  const redis = new Redis(url)
  await redis.flushdb()
  redis.disconnect()
  return url
}

/** An empty virtual host of RabbitMQ. */
async function newVhost(): Promise<string> {
  const { url, managementUrl } = endpoint('rabbitmq')
  const { origin, username, password } = new URL(managementUrl)
  const headers = { authorization: `Basic ${btoa(`${username}:${password}`)}`, 'content-type': 'application/json' }
  const vhost = `bench-${randomUUID()}`
  const everything = { configure: '.*', write: '.*', read: '.*' }
  await fetch(`${origin}/api/vhosts/${vhost}`, { method: 'PUT', headers, body: '{}' })
  await fetch(`${origin}/api/permissions/${vhost}/${username}`, {
    method: 'PUT',
    headers,
    body: JSON.stringify(everything),
  })
  return Object.assign(new URL(url), { pathname: `/${vhost}` }).href
}

function endpoint<Name extends PartName>(name: Name): Endpoints[Name] {
  const part = inventory[name]
  if (!part || part.state === 'missing') throw new Error(`the benchmark needs ${name}: ${part?.reason}`)
  return part.endpoint as Endpoints[Name]
}

const { inventory, stop } = await provision(['redis', 'rabbitmq', 'python'], (line) => console.error(line))
try {
  const redisUrl = endpoint('redis').url
  const results = `${redisUrl}/2`
  const python = endpoint('python').path
  await compare('Redis, results on', async () => empty(`${redisUrl}/1`), [
    { open: ours('async') },
    { open: ours('prefork') },
    { open: bullmq },
    { open: rawRedis },
    { open: celery(python, 'prefork', results), share: shareOfCelery },
    { open: celery(python, 'threads', results), share: shareOfCelery },
  ])
  await compare('RabbitMQ, results in Redis', newVhost, [
    { open: ours('async', results) },
    { open: rawRabbitmq },
    { open: celery(python, 'prefork', results), share: shareOfCelery },
  ])
} finally {
  await stop()
}
