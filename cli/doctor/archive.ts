import { createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { packTar } from 'modern-tar/fs'
import type { Bundle } from '../../compose/index.ts'
import { createMask } from '../output/mask.ts'

/** Writes a bundle as tar.gz, for its owner's eyes; no secret is in it. */
export async function writeArchive({ files, secrets }: Bundle, path: string): Promise<void> {
  const mask = createMask(secrets)
  const mtime = new Date()
  const sources = files.map(({ name, text }) => ({
    type: 'content' as const,
    target: `celery-sandbox-doctor/${mask(name)}`,
    content: mask(text),
    mode: 0o600,
    mtime,
  }))
  await pipeline(packTar(sources), createGzip(), createWriteStream(path, { mode: 0o600 }))
}
