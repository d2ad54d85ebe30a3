import { beforeEach, describe, expect, it } from 'vitest'
import { type LogLine, mergeByTime, readLogs } from '../../../compose/verbs/logs.ts'
import { FakeEngine } from '../fake-engine.ts'
import { modelOf } from '../model-of.ts'

let engine = new FakeEngine()

beforeEach(() => {
  engine = new FakeEngine()
})

async function add(service: string): Promise<string> {
  const model = modelOf(`services: { ${service}: { image: x } }`)
  const found = model.services[service]
  if (!found) throw new Error('no service')
  const labels = { 'com.docker.compose.service': service, 'com.docker.compose.project': 'shop' }
  const id = await engine.create({
    name: `shop-${service}-1`,
    model,
    service: found,
    labels,
    ports: [],
    replaces: undefined,
  })
  await engine.start(id)
  return id
}

const short = ({ container, text }: LogLine) => `${container} ${text}`

async function collect(lines: AsyncIterable<LogLine>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines) all.push(short(line))
  return all
}

describe('a history', () => {
  it('of a service that is not there is refused, with those that are', async () => {
    await add('web')
    await add('db')
    await expect(collect(readLogs(engine, 'shop', { services: ['nosuch'] }))).rejects.toMatchObject({
      code: 'SERVICE_UNKNOWN',
      message: 'there is no service "nosuch"; there are db, web',
    })
  })

  it('is merged by time', async () => {
    await add('a')
    await add('b')
    engine.write('shop-a-1', 'one', 't1')
    engine.write('shop-a-1', 'three', 't3')
    engine.write('shop-b-1', 'two', 't2')
    engine.write('shop-b-1', 'four', 't4')
    expect(await collect(readLogs(engine, 'shop', {}))).toEqual([
      'shop-a-1 one',
      'shop-b-1 two',
      'shop-a-1 three',
      'shop-b-1 four',
    ])
  })

  it('may be that of some services, and its end only', async () => {
    await add('a')
    await add('b')
    for (const time of ['t1', 't2', 't3']) for (const name of ['shop-a-1', 'shop-b-1']) engine.write(name, time, time)
    expect(await collect(readLogs(engine, 'shop', { services: ['b'], tail: 2 }))).toEqual([
      'shop-b-1 t2',
      'shop-b-1 t3',
    ])
    expect(await collect(readLogs(engine, 'shop', { services: ['a'], since: 't3' }))).toEqual(['shop-a-1 t3'])
  })

  it('of nothing is empty', async () => {
    expect(await collect(mergeByTime([]))).toEqual([])
    expect(await collect(readLogs(engine, 'shop', { follow: true }))).toEqual([])
  })
})

describe('following', () => {
  it('goes on through restarts without losing or repeating a line', async () => {
    const id = await add('a')
    engine.write('shop-a-1', 'before', 't1')
    engine.write('shop-a-1', 'same time', 't1')
    const lines = readLogs(engine, 'shop', { follow: true })
    const next = async () => short((await lines.next()).value as LogLine)
    expect([await next(), await next()]).toEqual(['shop-a-1 before', 'shop-a-1 same time'])
    const third = next()
    await new Promise(setImmediate)
    engine.write('shop-a-1', 'live', 't1')
    expect(await third).toBe('shop-a-1 live')
    engine.write('shop-a-1', 'last words', 't2')
    engine.die('shop-a-1', 1)
    await engine.start(id)
    engine.write('shop-a-1', 'back again', 't2')
    expect([await next(), await next()]).toEqual(['shop-a-1 last words', 'shop-a-1 back again'])
    const end = lines.next()
    await engine.remove(id)
    expect((await end).done).toBe(true)
  })

  it('takes in containers that come later', async () => {
    await add('a')
    const lines = readLogs(engine, 'shop', { follow: true })
    const first = lines.next()
    await new Promise(setImmediate)
    await add('b')
    engine.write('shop-b-1', 'hello', 't1')
    expect(short((await first).value as LogLine)).toBe('shop-b-1 hello')
    await lines.return(undefined)
  })

  it('ends when it is aborted', async () => {
    await add('a')
    const stop = new AbortController()
    const lines = readLogs(engine, 'shop', { follow: true, signal: stop.signal })
    const end = lines.next()
    await new Promise(setImmediate)
    stop.abort()
    expect((await end).done).toBe(true)
  })
})
