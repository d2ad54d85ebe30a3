import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { OpenedProject } from '../../../compose/file/project.ts'
import { Position } from '../../../compose/verbs/follow.ts'
import { type LogLine, type LogsOptions, mergeByTime } from '../../../compose/verbs/history.ts'
import { readLogs } from '../../../compose/verbs/logs.ts'
import { FakeEngine } from '../fake-engine.ts'
import { modelOf } from '../model-of.ts'

let engine = new FakeEngine()

const project: OpenedProject = {
  name: 'shop',
  directory: '/shop',
  files: [],
  model: () => modelOf('services: { a: { image: x }, b: { image: x }, later: { image: x } }'),
}

const read = (options: LogsOptions) => readLogs({ engine, project }, options)

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
    await expect(collect(read({ services: ['nosuch'] }))).rejects.toMatchObject({
      code: 'SERVICE_UNKNOWN',
      message: 'there is no service "nosuch"; there are db, web',
    })
    await expect(collect(read({ services: ['nosuch'], follow: true }))).rejects.toMatchObject({
      message: 'there is no service "nosuch"; there are a, b, db, later, web',
    })
  })

  it('is merged by time', async () => {
    await add('a')
    await add('b')
    engine.write('shop-a-1', 'one', 't1')
    engine.write('shop-a-1', 'three', 't3')
    engine.write('shop-b-1', 'two', 't2')
    engine.write('shop-b-1', 'four', 't4')
    expect(await collect(read({}))).toEqual(['shop-a-1 one', 'shop-b-1 two', 'shop-a-1 three', 'shop-b-1 four'])
  })

  it('may be that of some services, and its end only', async () => {
    await add('a')
    await add('b')
    for (const time of ['t1', 't2', 't3']) for (const name of ['shop-a-1', 'shop-b-1']) engine.write(name, time, time)
    expect(await collect(read({ services: ['b'], tail: 2 }))).toEqual(['shop-b-1 t2', 'shop-b-1 t3'])
    expect(await collect(read({ services: ['a'], since: 't3' }))).toEqual(['shop-a-1 t3'])
  })

  it('of nothing is empty', async () => {
    expect(await collect(mergeByTime([]))).toEqual([])
    expect(await collect(read({ follow: true }))).toEqual([])
  })
})

describe('following', () => {
  it('goes on through restarts without losing or repeating a line', async () => {
    const id = await add('a')
    engine.write('shop-a-1', 'before', 't1')
    engine.write('shop-a-1', 'same time', 't1')
    const lines = read({ follow: true })
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
    expect([await next(), await next(), await next()]).toEqual([
      'shop-a-1 last words',
      'shop-a-1 exited with code 1',
      'shop-a-1 back again',
    ])
    const end = lines.next()
    await engine.remove(id)
    expect((await end).done).toBe(true)
  })

  it('does not show again what was not wanted, when the container starts again', async () => {
    const id = await add('a')
    engine.write('shop-a-1', 'long ago', 't1')
    const lines = read({ follow: true, tail: 0 })
    const next = async () => short((await lines.next()).value as LogLine)
    const first = next()
    await new Promise(setImmediate)
    engine.die('shop-a-1', 0)
    expect(await first).toBe('shop-a-1 exited with code 0')
    await engine.start(id)
    engine.write('shop-a-1', 'new', 't2')
    expect(await next()).toBe('shop-a-1 new')
    await lines.return(undefined)
  })

  it('waits for an engine that goes away, says so, and neither loses nor repeats a line', async () => {
    await add('a')
    await add('b')
    for (const name of ['shop-a-1', 'shop-b-1']) engine.write(name, 'one', 't1')
    const lines = read({ follow: true })
    const next = async () => short((await lines.next()).value as LogLine)
    expect([await next(), await next()]).toEqual(['shop-a-1 one', 'shop-b-1 one'])
    const notice = next()
    await new Promise(setImmediate)
    engine.goAway()
    expect(await notice).toBe(' the engine went away; waiting for it to come back')
    for (const name of ['shop-a-1', 'shop-b-1']) engine.write(name, 'two', 't2')
    engine.comeBack()
    const more = [await next(), await next(), await next()]
    expect(more.sort()).toEqual([' the engine is back', 'shop-a-1 two', 'shop-b-1 two'])
    await lines.return(undefined)
  })

  it('waits for a service of the file that has not begun', async () => {
    const lines = read({ follow: true, services: ['later'] })
    const next = async () => short((await lines.next()).value as LogLine)
    expect(await next()).toBe(' waiting for later to begin')
    const first = next()
    await new Promise(setImmediate)
    await add('a')
    await add('later')
    engine.write('shop-a-1', 'not wanted', 't1')
    engine.write('shop-later-1', 'hello', 't1')
    expect(await first).toBe('shop-later-1 hello')
    await lines.return(undefined)
  })

  it('goes on when a container is made anew', async () => {
    const old = await add('a')
    const lines = read({ follow: true })
    const first = lines.next()
    await new Promise(setImmediate)
    await engine.rename(old, 'shop-a-old')
    await add('a')
    await engine.remove(old)
    engine.write('shop-a-1', 'hello', 't1')
    expect(short((await first).value as LogLine)).toBe('shop-a-1 hello')
    await lines.return(undefined)
  })

  it('says whose log nobody keeps, and shows the others', async () => {
    await add('a')
    await add('b')
    engine.unreadable.add('shop-a-1')
    engine.write('shop-b-1', 'hello', 't1')
    expect((await collect(read({}))).sort()).toEqual(['shop-a-1 cannot read', 'shop-b-1 hello'])
    const lines = read({ follow: true, tail: 1 })
    expect([short((await lines.next()).value as LogLine), short((await lines.next()).value as LogLine)].sort()).toEqual(
      ['shop-a-1 cannot read', 'shop-b-1 hello'],
    )
    await lines.return(undefined)
  })

  it('ends when its time has come', async () => {
    await add('a')
    expect(await collect(read({ follow: true, until: new Date().toISOString() }))).toEqual([])
  })

  it('takes in containers that come later', async () => {
    await add('a')
    const lines = read({ follow: true })
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
    const lines = read({ follow: true, signal: stop.signal })
    const end = lines.next()
    await new Promise(setImmediate)
    stop.abort()
    expect((await end).done).toBe(true)
  })
})

describe('how far a log was read', () => {
  it('is known although times are not quite in order, and many lines have the same', () => {
    const position = new Position()
    const lines = ['t3', 't1', 't2', 't2', 't5', 't4']
    for (const time of lines) position.saw(time)
    expect(position.begin).toBe('t1')
    const isRepeated = position.repetitions()
    expect([...lines, 't5', 't4', 't0'].map(isRepeated)).toEqual([...lines.map(() => true), false, false, false])
  })

  it('is known when the oldest lines have been thrown away meanwhile', () => {
    const position = new Position()
    for (const time of ['t1', 't1', 't2', 't3']) position.saw(time)
    const isRepeated = position.repetitions()
    expect(['t1', 't2', 't3', 't3'].map(isRepeated)).toEqual([true, true, true, false])
  })

  it('holds for any log that is cut anywhere, any number of times', () => {
    const time = fc.integer({ min: 0, max: 6 })
    fc.assert(
      fc.property(fc.array(time, { maxLength: 60 }), fc.array(fc.nat(60), { maxLength: 5 }), (steps, cuts) => {
        // Out of order, but never earlier than what came first.
        const log = ['t0000', ...steps.map((step, index) => `t${1000 + index * 2 + step}`)]
        const position = new Position()
        const read: string[] = []
        for (const cut of [...cuts.map((cut) => cut + 1).sort((a, b) => a - b), log.length]) {
          const { begin = '' } = position
          const isRepeated = position.repetitions()
          for (const line of log.slice(0, cut).filter((line) => line >= begin)) {
            if (isRepeated(line)) continue
            position.saw(line)
            read.push(line)
          }
        }
        expect(read).toEqual(log)
      }),
    )
  })
})
