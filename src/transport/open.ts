import { systemClock } from '../clock.ts'
import { CeleryError } from '../errors.ts'
import { silentLogger } from '../log.ts'
import { maskUrl, parseUrl } from '../url.ts'
import type { DriverOptions, Transport, TransportOptions } from './transport.ts'

type Open = (url: string, options: TransportOptions) => Promise<Transport>

/** URL scheme → driver, imported when first needed. */
const drivers: Record<string, () => Promise<Open>> = {
  memory: async () => (await import('./memory.ts')).openMemory,
  redis: async () => (await import('./redis/redis.ts')).openRedis,
  rediss: async () => (await import('./redis/redis.ts')).openRedis,
  'redis+socket': async () => (await import('./redis/redis.ts')).openRedis,
  sentinel: async () => (await import('./redis/redis.ts')).openRedis,
  amqp: async () => (await import('./amqp/amqp.ts')).openAmqp,
  amqps: async () => (await import('./amqp/amqp.ts')).openAmqp,
  pyamqp: async () => (await import('./amqp/amqp.ts')).openAmqp,
}

export const driverDefaults: Readonly<DriverOptions> = {
  visibilityTimeout: 3_600,
  globalKeyprefix: '',
  sep: '\x06\x16',
  prioritySteps: [0, 3, 6, 9],
  queueOrderStrategy: 'round_robin',
  fanoutPrefix: true,
  fanoutPatterns: true,
  healthCheckInterval: 25,
  masterName: null,
  confirmPublish: true,
  confirmTimeout: 30,
  managerPort: 15_672,
}

/**
 * Connects to a broker.
 *
 * @throws {CeleryError} BROKER_UNREACHABLE, LOGIN_REFUSED; UNSUPPORTED for a scheme without a driver.
 */
export async function openTransport(url: string, options: Partial<TransportOptions> = {}): Promise<Transport> {
  const driver = drivers[parseUrl(url).scheme]
  if (!driver) {
    throw new CeleryError(
      'UNSUPPORTED',
      `no transport for ${maskUrl(url)}; there are ${Object.keys(drivers).join(', ')}`,
    )
  }
  const open = await driver()
  return open(url, {
    clock: systemClock,
    log: silentLogger,
    connectTimeoutMs: 4_000,
    onEvent: () => {},
    ...driverDefaults,
    ...options,
  })
}
