import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createEmbeddedBroker, type EmbeddedBroker } from '../../src/embedded/broker.ts'
import {
  comparable,
  longestSequence,
  ownKeys,
  sequences,
  show,
  type Turn,
  turns,
} from '../src/embedded/random-commands.ts'
import { exchangesOf, formatReply, sessions } from '../src/embedded/sessions.ts'
import { request, WireClient } from '../src/embedded/wire-client.ts'
import { freePort } from '../support/port.ts'
import { type Program, start } from '../support/process.ts'
import { until } from '../support/wait.ts'

/** How many random commands both servers answer; they must answer every one alike. */
const commandCount = Number(process.env.DIFFERENTIAL_COMMANDS ?? 3000)
const seed = 20_260_101

let redis: Program
let broker: EmbeddedBroker
let ports: [redis: number, broker: number]

beforeAll(async () => {
  const port = await freePort()
  redis = start('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''])
  await redis.until('Ready to accept connections')
  broker = createEmbeddedBroker()
  await broker.start()
  ports = [port, broker.port]
})

afterAll(async () => {
  await broker.stop()
  await redis.stop()
})

/** One connection to either server. */
async function openBoth(protocol: number): Promise<WireClient[]> {
  const clients = await Promise.all(ports.map((port) => WireClient.open(port)))
  for (const client of clients) await client.call('HELLO', protocol)
  onTestFinished(() => {
    for (const client of clients) client.close()
  })
  return clients
}

/** What both servers make of it; the first is Redis. */
async function both<Result>(act: (port: number) => Promise<Result>): Promise<[Result, Result]> {
  const [redisPort, brokerPort] = ports
  return [await act(redisPort), await act(brokerPort)]
}

describe('Redis', () => {
  for (const [subject, session] of Object.entries(sessions)) {
    it(`answers about ${subject} what the unit tests expect of the broker`, async () => {
      const [client] = await openBoth(2)
      const exchanges = exchangesOf(session)
      await client?.call('FLUSHALL')
      const replies = (await client?.pipeline(exchanges.map(({ request }) => request))) ?? []
      const actual = exchanges.map(({ request }, index) => ({ request, reply: formatReply(replies[index]) }))
      expect(actual).toEqual(exchanges)
    })
  }
})

describe.each([2, 3])('in RESP%i the embedded broker and Redis answer alike', (protocol) => {
  it('random commands', { timeout: 600_000 }, async () => {
    const clients = await openBoth(protocol)
    await fc.assert(
      fc.asyncProperty(sequences, async (requests) => {
        const [expected, actual] = await Promise.all(
          clients.map(async (client) => {
            await client.pipeline([['DISCARD'], ['FLUSHALL'], ['SELECT', '0']])
            const replies = await client.pipeline(requests)
            return requests.map((request, index) => [request.join(' '), comparable(request, replies[index])])
          }),
        )
        expect(actual).toEqual(expected)
      }),
      { seed, numRuns: Math.ceil((2 * commandCount) / longestSequence) },
    )
  })

  it('clients that wait for each other', { timeout: 600_000 }, async () => {
    const waiting = turns(
      3,
      `BLPOP list list 0 / BRPOP list 0 / BLMOVE list list LEFT|RIGHT LEFT|RIGHT 0 / BLMOVE l1 l1 RIGHT RIGHT 0
       BRPOPLPUSH list list 0 / BLMPOP 0 2 l1 l2 LEFT COUNT 2 / BLPOP list 0 ; PING ; LLEN list
       LPUSH list item / RPUSH list item item / RPUSH list item item item / RENAME list list / DEL list / SET list value
       MULTI ; LPUSH list item ; RPUSH list item ; EXEC / MULTI ; BLPOP list 0 ; BLMOVE list list LEFT RIGHT 0 ; EXEC
       MULTI ; LPUSH list item ; DEL list ; EXEC / COPY list list REPLACE / SWAPDB 0 1 / LPUSH list item ; PING`,
    )
    await fc.assert(
      fc.asyncProperty(waiting, async (all) => {
        const [expected, actual] = await both((port) => play(port, all, protocol))
        expect(actual).toEqual(expected)
      }),
      { seed, numRuns: Math.ceil(commandCount / 200) },
    )
  })

  it('transactions that get in each other’s way', { timeout: 600_000 }, async () => {
    const transactions = turns(
      2,
      `MULTI / EXEC / EXEC / DISCARD / WATCH text* / WATCH list / UNWATCH / GET text / SET text value / INCR text
       DEL text / LPUSH list item / LPOP list / EXPIRE text 100000 / PERSIST text / RENAME text text / FLUSHDB
       SELECT 0|1 / SWAPDB 0 1 / MSET text value text value / SET text value XX / NOSUCH / GET`,
    )
    await fc.assert(
      fc.asyncProperty(transactions, async (all) => {
        const [expected, actual] = await both((port) => play(port, all, protocol))
        expect(actual).toEqual(expected)
      }),
      { seed, numRuns: Math.ceil(commandCount / 100) },
    )
  })

  it('subscribers, byte for byte', { timeout: 600_000 }, async () => {
    const subscribing = turns(
      3,
      // Never two names at once where Redis answers in no particular order. In RESP3 a client can publish to itself,
      // and from within a transaction Redis 7.0 puts the message into the middle of EXEC's reply.
      `SUBSCRIBE channel* / PSUBSCRIBE topics / UNSUBSCRIBE channel* / PUNSUBSCRIBE topics / PUNSUBSCRIBE / GET text
       PUBLISH channel value / PUBLISH channel value / PUBSUB NUMSUB one two / PUBSUB NUMPAT / PING / PING value
       RESET${protocol === 2 ? ' / MULTI ; PUBLISH channel value ; EXEC' : ''}`,
    )
    await fc.assert(
      fc.asyncProperty(subscribing, async (all) => {
        const [expected, actual] = await both(async (port) => {
          const clients = await Promise.all([0, 1, 2].map(() => WireClient.open(port)))
          for (const client of clients) await client.call('HELLO', protocol)
          for (const client of clients) client.transcript = ''
          for (const [number, turn] of all.entries()) {
            const client = clients[turn.client]
            client?.send([...turn.requests, ['PING', `turn ${number}`]].map(request).join(''))
            await client?.heard(`turn ${number}\r\n`)
          }
          // What was published last is on its way; a last word to each client comes behind it.
          for (const client of clients) client.send(request(['PING', 'done']))
          for (const client of clients) await client.heard('done\r\n')
          for (const client of clients) client.close()
          return clients.map(({ transcript }) => transcript)
        })
        expect(actual).toEqual(expected)
      }),
      { seed, numRuns: Math.ceil(commandCount / 100) },
    )
  })

  it('keys that run out', async () => {
    const clients = await openBoth(protocol)
    for (const client of clients) {
      await client.pipeline([
        ['FLUSHALL'],
        ['SET', 'key', 'x', 'PX', '30'],
        ['RPUSH', 'list', 'x'],
        ['PEXPIRE', 'list', '30'],
        ['WATCH', 'key'],
        ['MULTI'],
        ['PING'],
      ])
    }
    for (const observer of await openBoth(protocol)) {
      await until(async () => (await observer.call('EXISTS', 'key', 'list')) === 0, { describe: 'the keys to run out' })
      const requests = [['TTL', 'key'], ['GET', 'key'], ['LLEN', 'list'], ['DBSIZE']]
      expect(await observer.pipeline(requests)).toEqual([-2, null, 0, 0])
    }
    const [expected, actual] = await Promise.all(clients.map((client) => client.call('EXEC')))
    expect(actual).toEqual(expected)
  })
})

/** The turns' replies by client, when none is under way any more except those of clients that wait. */
async function play(port: number, all: readonly Turn[], protocol: number): Promise<unknown> {
  const observer = await WireClient.open(port)
  await observer.call('FLUSHALL')
  const players: { client: WireClient; busy: number; replies: unknown[] }[] = []
  for (let count = 0; count < 3; count++) {
    const client = await WireClient.open(port)
    await client.call('HELLO', protocol)
    players.push({ client, busy: 0, replies: [] })
  }
  const settled = async () => {
    const info = show(await observer.call('INFO', 'clients'))
    return players.filter(({ busy }) => busy > 0).length === Number(/blocked_clients:(\d+)/.exec(info)?.[1])
  }
  for (const { client: index, requests } of all) {
    const player = players[index]
    if (!player || player.busy > 0) continue
    for (const request of requests) {
      player.busy += 1
      void player.client.call(...request).then((reply) => {
        player.busy -= 1
        player.replies.push([request.join(' '), comparable(request, reply)])
      })
    }
    await until(settled, { everyMs: 0, describe: 'all replies' })
  }
  const left = await observer.pipeline(ownKeys.list.map((key) => ['LRANGE', key, '0', '-1']))
  for (const { client } of [...players, { client: observer }]) client.close()
  return { players: players.map(({ replies }) => replies), left }
}
