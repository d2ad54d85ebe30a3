import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, readFrames } from '../../../../compose/engine/docker/frames.ts'
import { frameLines, terminalLines, unixTime } from '../../../../compose/engine/docker/logs.ts'
import { readJsonLines } from '../../../../compose/engine/ndjson.ts'
import { LineSplitter } from '../../../../compose/lines.ts'

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

  it('is the same whatever its frames are and wherever its chunks are cut', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.string({ unit: 'grapheme', maxLength: 40 })))
    fc.assert(
      fc.property(frames, fc.array(fc.nat(400)), (given, cuts) => {
        const bytes = Buffer.concat(given.map(([type, text]) => frame(type, text)))
        const places = [0, ...cuts.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
        const reader = new FrameReader()
        const read = places.flatMap((from, index) =>
          reader.push(bytes.subarray(from, places[index + 1] ?? bytes.length)),
        )
        expect(read.map(({ stream, payload }) => [stream === 'stdout' ? 1 : 2, payload.toString()])).toEqual(given)
      }),
    )
  })

  const megabytes = 64
  const burst = megabytes * 1024 * 1024

  it.each([
    ['tiny frames in large chunks', 1, 65_536],
    ['lines in tiny chunks', 100, 64],
    ['one frame in small chunks', burst, 4096],
  ])(`of ${megabytes} MB takes time that grows with it, not with its square: %s`, (_, payloadBytes, chunkBytes) => {
    const one = frame(1, 'x'.repeat(payloadBytes))
    const count = Math.ceil(burst / one.length)
    const chunk = Buffer.concat(Array.from({ length: Math.ceil((2 * chunkBytes) / one.length) }, () => one))
    const reader = new FrameReader()
    const startedAt = performance.now()
    let frames = 0
    for (let sent = 0; sent < count * one.length; sent += chunkBytes) {
      const at = sent % one.length
      frames += reader.push(chunk.subarray(at, Math.min(at + chunkBytes, at + count * one.length - sent))).length
    }
    expect(frames).toBe(count)
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })
})

describe('log lines', () => {
  const time = '2026-11-20T10:56:00.123456789Z'
  const later = '2026-11-20T10:56:01.000000000Z'

  async function* frames(...given: ['stdout' | 'stderr', string][]): AsyncGenerator<Buffer> {
    for (const [stream, text] of given) yield frame(stream === 'stdout' ? 1 : 2, text)
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
    const piece = 'x'.repeat(16_384)
    expect(await collect(frameLines(frames(['stdout', `${time} ${piece}`], ['stdout', `${later} ng\n`])))).toEqual([
      { stream: 'stdout', time, text: `${piece}ng` },
    ])
  })

  it('end with the process, also without an end of their own', async () => {
    expect(await collect(frameLines(frames(['stdout', `${time} last words`], ['stdout', `${later} first\n`])))).toEqual(
      [
        { stream: 'stdout', time, text: 'last words' },
        { stream: 'stdout', time: later, text: 'first' },
      ],
    )
  })

  it('of a terminal come without frames', async () => {
    const bytes = Buffer.from(`${time} 10%\r50%\r\n${later} ☃\r\n`)
    expect(await collect(terminalLines(cut(bytes, 5)))).toEqual([
      { stream: 'stdout', time, text: '50%' },
      { stream: 'stdout', time: later, text: '☃' },
    ])
  })

  it('of a terminal are put together as well when the engine cut them', async () => {
    const long = 'x'.repeat(16_384 * 2)
    const bytes = Buffer.from(
      `${time} ${long.slice(16_384)}${later} ${long.slice(16_384)}${later} end\r\n${later} next\r\n`,
    )
    for (const size of [1, 7, 1000, 100_000]) {
      expect(await collect(terminalLines(cut(bytes, size)))).toEqual([
        { stream: 'stdout', time, text: `${long}end` },
        { stream: 'stdout', time: later, text: 'next' },
      ])
    }
  })

  it.each([
    ['carriage returns before a letter', `${'\r'.repeat(60_000)}x`],
    ['no end', 'x'.repeat(60_000)],
  ])('cost little, also with %s, byte by byte', (_, text) => {
    const splitter = new LineSplitter()
    const startedAt = performance.now()
    for (let round = 0; round < 10; round++) {
      for (const letter of Buffer.from(`${text}\n`)) splitter.push(Buffer.of(letter), 't')
    }
    expect(performance.now() - startedAt).toBeLessThan(5000)
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
