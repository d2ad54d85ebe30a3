import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/clock.ts'
import { createDispatcher, type Dispatcher } from '../../../src/events/dispatcher.ts'
import { createLogger } from '../../../src/log.ts'
import { LamportClock } from '../../../src/protocol/lamport.ts'
import { openTransport } from '../../../src/transport/open.ts'
import type { Transport } from '../../../src/transport/transport.ts'
import { Elections } from '../../../src/worker/elections.ts'
import { Gossip } from '../../../src/worker/gossip.ts'
import { until } from '../../support/wait.ts'

let transport: Transport
let clock: ManualClock
let nodes: Node[]
let count = 0

interface Node {
  name: string
  gossip: Gossip
  events: Dispatcher
  lines: string[]
  elected: unknown[]
}

async function node(name: string): Promise<Node> {
  const lines: string[] = []
  const elected: unknown[] = []
  const lamport = new LamportClock()
  const events = createDispatcher(transport, { hostname: name, clock: lamport, now: () => clock.now() })
  const log = createLogger(({ message }) => lines.push(message), 'debug')
  const task = async (action: unknown) => void elected.push(action)
  const gossip = new Gossip({ transport, events, lamport, clock, log, elected: { task } })
  await gossip.start()
  const made = { name, gossip, events, lines, elected }
  nodes.push(made)
  return made
}

beforeEach(async () => {
  nodes = []
  clock = new ManualClock(1_000_000)
  transport = await openTransport(`memory://gossip-${++count}`)
})

afterEach(async () => {
  for (const { gossip } of nodes) await gossip.stop()
  await transport.close()
})

const sees = (node: Node, others: string[]) =>
  until(() => String([...node.gossip.cluster.workers.keys()].sort()) === String(others), {
    describe: () => `${node.name} to see ${others}; it sees ${[...node.gossip.cluster.workers.keys()]}`,
  })

describe('gossip', () => {
  it('hears who joins and who leaves, and not itself', async () => {
    const [a, b] = [await node('a'), await node('b')]
    for (const { events } of [a, b]) events.send('worker-online', { freq: 2 })
    await sees(a, ['b'])
    await sees(b, ['a'])
    b.events.send('worker-offline')
    await sees(a, [])
    expect(a.lines).toEqual(['b joined the party', 'b left'])
  })

  it('drops a worker of which nothing is heard', async () => {
    const [a, b] = [await node('a'), await node('b')]
    b.events.send('worker-heartbeat', { freq: 2 })
    await sees(a, ['b'])
    clock.advance(5_000)
    expect([...a.gossip.cluster.workers]).toEqual([])
    expect(a.lines.at(-1)).toBe('missed heartbeat from b')
  })

  it('elects one of three for what one shall do', async () => {
    const all = [await node('a'), await node('b'), await node('c')]
    for (const { events } of all) events.send('worker-online', { freq: 60 })
    for (const one of all)
      await sees(
        one,
        all.map(({ name }) => name).filter((name) => name !== one.name),
      )
    for (const { gossip } of all) gossip.election('e1', 'task', { task: 'tasks.add' })
    await new Promise(setImmediate)
    clock.advance(200)
    await until(() => all.every(({ lines }) => lines.some((line) => /election|elected/.test(line))), {
      describe: 'all to have a result',
    })
    expect(all.flatMap(({ elected }) => elected)).toEqual([{ task: 'tasks.add' }])
    const results = all.flatMap(({ lines }) => lines.filter((line) => /election|elected/.test(line)))
    expect(results.filter((line) => line === 'I won the election e1')).toHaveLength(1)
    expect(new Set(results.filter((line) => line.startsWith('node'))).size).toBe(1)
  })

  it('survives an election about something unknown, and events that say nothing', async () => {
    const a = await node('a')
    a.events.send('worker-elect', { id: 1, topic: [] })
    a.events.send('worker-elect-ack', { id: 'unknown' })
    a.gossip.election('e1', 'nonsense', null)
    await new Promise(setImmediate)
    clock.advance(200)
    await until(() => a.lines.includes('Unknown election topic nonsense'), { describe: 'the result' })
  })
})

describe('an election', () => {
  const candidate = (clock: number, name: string) => ({ clock, name, topic: 'task', action: null })

  it('is won by who stood first, of several by the first by name', () => {
    const elections = new Elections()
    elections.begin('e')
    for (const one of [candidate(7, 'a'), candidate(5, 'c'), candidate(5, 'b')]) elections.add('e', one)
    expect(elections.acknowledge('e', 2)).toBeUndefined()
    expect(elections.acknowledge('e', 2)?.name).toBe('b')
    expect(elections.acknowledge('e', 2)).toBeUndefined()
  })

  it('of others is none of ours, and one that never ends is forgotten', () => {
    const elections = new Elections()
    expect(elections.acknowledge('theirs', 0)).toBeUndefined()
    for (let i = 0; i <= 100; i++) {
      elections.begin(`e${i}`)
      elections.add(`e${i}`, candidate(1, 'a'))
    }
    expect([elections.acknowledge('e0', 0), elections.acknowledge('e100', 0)?.name]).toEqual([undefined, 'a'])
  })
})
