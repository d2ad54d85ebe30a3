import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { compressionFor, decompress } from '../../../src/protocol/compression.ts'
import { serializerFor } from '../../../src/protocol/serializer.ts'
import { decodeTask, encodeTask, taskMessage } from '../../../src/protocol/task-message.ts'

const value = [[1, 'ö', null, 2.5], { z: [true] }, { callbacks: null }]

describe.each(['json', 'yaml', 'msgpack'])('%s', (name) => {
  const serializer = serializerFor(name, [name])

  it('reads back what it wrote', () => {
    expect(serializer.decode(serializer.encode(value))).toEqual(value)
  })

  it('is refused unless it is accepted', () => {
    expect(() => serializerFor(serializer.contentType, [])).toThrow(
      expect.objectContaining({ code: 'CONTENT_DISALLOWED' }),
    )
  })
})

describe('YAML', () => {
  const { decode } = serializerFor('yaml', ['yaml'])

  it('is read as Python’s safe loader writes it', () => {
    expect(decode(Buffer.from('- - 1\n  - yes\n- {}\n- callbacks: null\n'))).toEqual([
      [1, true],
      {},
      { callbacks: null },
    ])
  })

  it('does not grow without end', () => {
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...[...'bcdefgh'].map((k, i) => `${k}: &${k} [${`*${'abcdefgh'[i]},`.repeat(9)}]`),
    ]
    expect(() => decode(Buffer.from(bomb.join('\n')))).toThrow(/alias/)
  })
})

describe.each(['gzip', 'zlib', 'brotli', 'zstd'])('compression %s', (name) => {
  it('gives back what it took, and shrinks it', () => {
    const bytes = Buffer.from('celery '.repeat(1000))
    const { compress, contentType } = compressionFor(name)
    const small = compress(bytes)
    expect(small.length).toBeLessThan(200)
    expect(Buffer.from(decompress(small, contentType)).equals(bytes)).toBe(true)
  })

  it('carries a task', () => {
    const message = encodeTask(taskMessage({ task: 't', id: 'i', args: [1] }), 0, { compression: name })
    expect(decodeTask(message).args).toEqual([1])
  })
})

describe('compression', () => {
  it('that is not supported is refused by name', () => {
    expect(() => compressionFor('bzip2')).toThrow("compression 'bzip2' is not supported; there are gzip, zlib, brotli")
  })

  it('of something else is told', () => {
    expect(() => decompress(Buffer.from('no zlib'), 'application/x-gzip')).toThrow('the body is not application/x-gzip')
  })

  it('is what kombu calls gzip: a zlib stream', () => {
    expect(Buffer.from(compressionFor('gzip').compress(Buffer.from('x')))).toEqual(deflateSync(Buffer.from('x')))
  })
})
