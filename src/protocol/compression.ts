import {
  brotliCompressSync,
  brotliDecompressSync,
  deflateSync,
  inflateSync,
  zstdCompressSync,
  zstdDecompressSync,
} from 'node:zlib'
import { CeleryError, messageOf } from '../errors.ts'

/** A body may be compressed after it was serialised; the header `compression` then names the method. */
export interface Compression {
  /** Celery's names for it. */
  readonly names: readonly string[]
  /** What the header says. */
  readonly contentType: string
  compress(bytes: Uint8Array): Uint8Array
  decompress(bytes: Uint8Array): Uint8Array
}

/** No message grows beyond this, whatever its sender has packed into it. */
const largest = { maxOutputLength: 512 * 1024 * 1024 }

const compressions: readonly Compression[] = [
  {
    names: ['gzip', 'zlib'],
    contentType: 'application/x-gzip', // the name is kombu's: the bytes are a zlib stream
    compress: (bytes) => deflateSync(bytes),
    decompress: (bytes) => inflateSync(bytes, largest),
  },
  {
    names: ['brotli'],
    contentType: 'application/x-brotli',
    compress: (bytes) => brotliCompressSync(bytes),
    decompress: (bytes) => brotliDecompressSync(bytes, largest),
  },
  {
    names: ['zstd', 'zstandard'],
    contentType: 'application/zstd',
    compress: (bytes) => zstdCompressSync(bytes),
    decompress: (bytes) => zstdDecompressSync(bytes, largest),
  },
]

/** @throws {CeleryError} UNSUPPORTED with what there is */
export function compressionFor(name: string): Compression {
  const found = compressions.find(({ names, contentType }) => contentType === name || names.includes(name))
  if (found) return found
  const known = compressions.flatMap(({ names }) => names).join(', ')
  throw new CeleryError('UNSUPPORTED', `compression '${name}' is not supported; there are ${known}`)
}

/** @throws {CeleryError} DECODE_ERROR when the bytes are not what the header says */
export function decompress(bytes: Uint8Array, name: string): Uint8Array {
  const compression = compressionFor(name)
  try {
    return compression.decompress(bytes)
  } catch (cause) {
    throw new CeleryError('DECODE_ERROR', `the body is not ${compression.contentType}: ${messageOf(cause)}`, { cause })
  }
}
