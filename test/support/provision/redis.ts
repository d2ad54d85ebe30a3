import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../port.ts'
import { answer, start } from '../process.ts'
import { askRedis } from '../redis.ts'
import type { Part } from './part.ts'

/** A server of our own, without files; another one only when TEST_REDIS_URL names it. */
export const redis: Part<'redis'> = {
  packages: ['redis-server'],
  async find() {
    const url = process.env.TEST_REDIS_URL
    if (!url) return undefined
    await askRedis(url, 'PING')
    return { version: 'from TEST_REDIS_URL', endpoint: { url, databases: 16 } }
  },
  isInstalled: async () => (await version()) !== undefined,
  async start() {
    const port = await freePort()
    const directory = await mkdtemp(join(tmpdir(), 'celery-sandbox-redis-'))
    const server = start('redis-server', [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', directory],
      ...['--save', '', '--appendonly', 'no', '--databases', String(databases)],
    ])
    await server.until('Ready to accept connections')
    return {
      version: (await version()) ?? '',
      endpoint: { url: `redis://127.0.0.1:${port}`, databases },
      async stop() {
        await server.stop()
        await rm(directory, { recursive: true, force: true })
      },
    }
  },
}

// Enough for every test to have its own.
const databases = 1000

const version = async () => /v=([\d.]+)/.exec((await answer('redis-server', ['--version'])) ?? '')?.[1]
