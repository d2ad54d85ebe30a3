import { describe, expect, it } from 'vitest'
import { type Frame, readFrames } from '../../../../compose/engine/docker/frames.ts'
import { frameLines, terminalLines, unixTime } from '../../../../compose/engine/docker/logs.ts'
import { readJsonLines } from '../../../../compose/engine/ndjson.ts'

function frame(type: number, text: string): Buffer {
  const payload = Buffer.from(text)
  const header = Buffer.alloc(8)
  header[0] = type
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

async function* cut(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

describe("Docker's multiplexed stream", () => {
  it.each([1, 3, 8, 11, 1000])('is taken apart when it comes in pieces of %i bytes', async (size) => {
    const bytes = Buffer.concat([frame(1, 'out ☃'), frame(2, 'err'), frame(1, ''), frame(3, 'engine')])
    const frames = await collect(readFrames(cut(bytes, size)))
    expect(frames.map(({ stream, payload }) => [stream, payload.toString()])).toEqual([
      ['stdout', 'out ☃'],
      ['stderr', 'err'],
      ['stdout', ''],
      ['stderr', 'engine'],
    ])
  })

  it('may have a hundred thousand frames in one chunk', async () => {
    const bytes = Buffer.concat(Array.from({ length: 100_000 }, () => frame(1, 'x')))
    let count = 0
    for await (const _ of readFrames(cut(bytes, bytes.length))) count++
    expect(count).toBe(100_000)
  })
})

describe('log lines', () => {
  const time = '2026-11-20T10:56:00.123456789Z'
  const later = '2026-11-20T10:56:01.000000000Z'

  async function* frames(...given: [Frame['stream'], string][]): AsyncGenerator<Frame> {
    for (const [stream, text] of given) yield { stream, payload: Buffer.from(text) }
  }

  it('have the time that stands before each frame', async () => {
    const lines = await collect(
      frameLines(frames(['stdout', `${time} one\n`], ['stderr', `${later} two\n`], ['stdout', `${later} three`])),
    )
    expect(lines).toEqual([
      { stream: 'stdout', time, text: 'one' },
      { stream: 'stderr', time: later, text: 'two' },
      { stream: 'stdout', time: later, text: 'three' },
    ])
  })

  it('are put together when the engine cut them, each piece with a time of its own', async () => {
    expect(await collect(frameLines(frames(['stdout', `${time} lo`], ['stdout', `${later} ng\n`])))).toEqual([
      { stream: 'stdout', time, text: 'long' },
    ])
  })

  it('of a terminal come without frames', async () => {
    const bytes = Buffer.from(`${time} 10%\r50%\r\n${later} ☃\r\n`)
    expect(await collect(terminalLines(cut(bytes, 5)))).toEqual([
      { stream: 'stdout', time, text: '50%' },
      { stream: 'stdout', time: later, text: '☃' },
    ])
  })

  it('can be asked for from a time on, to the nanosecond', () => {
    expect(unixTime('2026-11-20T10:56:00.123456789Z')).toBe('1795172160.123456789')
    expect(unixTime('2026-11-20T10:56:00Z')).toBe('1795172160.000000000')
    expect(unixTime(undefined)).toBeUndefined()
  })
})

describe('JSON lines', () => {
  it('are read whatever the chunks', async () => {
    const bytes = Buffer.from('{"a":"☃"}\n\r\n{"b":1}\n{"c":2}')
    expect(await collect(readJsonLines(cut(bytes, 3)))).toEqual([{ a: '☃' }, { b: 1 }, { c: 2 }])
  })
})
