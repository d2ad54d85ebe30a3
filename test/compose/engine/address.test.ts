import { describe, expect, it } from 'vitest'
import { type Reachable, rewriteAddresses } from '../../../compose/engine/address.ts'

const binding = (target: number, port: number, host = '127.0.0.1') => ({ host, port, target, protocol: 'tcp' })
const docker: Reachable[] = [
  { names: ['rabbitmq', 'shop-rabbitmq-1'], ports: [binding(5672, 5673), binding(15672, 15673)], url: undefined },
  { names: ['redis', 'shop-redis-1'], ports: [binding(6379, 6380, '0.0.0.0')], url: undefined },
  { names: ['hidden'], ports: [], url: undefined },
]

function rewritten(value: string, services = docker, host = '127.0.0.1'): string | undefined {
  return rewriteAddresses({ X: value }, services, host).X
}

describe('an address that names a service', () => {
  it.each([
    ['amqp://user:p%40ss@rabbitmq:5672//', 'amqp://user:p%40ss@127.0.0.1:5673//'],
    ['amqp://rabbitmq', 'amqp://127.0.0.1:5673'],
    ['redis://:pw@redis/1?x=y', 'redis://:pw@127.0.0.1:6380/1?x=y'],
    ['http://shop-rabbitmq-1:15672/api', 'http://127.0.0.1:15673/api'],
    ['amqp://a@rabbitmq:5672/;redis://redis', 'amqp://a@127.0.0.1:5673/;redis://127.0.0.1:6380'],
  ])('%s becomes %s', (inside, outside) => {
    expect(rewritten(inside)).toBe(outside)
  })

  it.each(['redis://elsewhere:6379/0', 'redis://hidden:6379', 'amqp://rabbitmq:5671', 'redis', '--broker=redis', ''])(
    'or does not, like %j, is left alone',
    (text) => {
      expect(rewritten(text)).toBe(text)
    },
  )

  it('of a distant engine is reached at its host', () => {
    expect(rewritten('redis://redis:6379/0', docker, 'build.example.com')).toBe('redis://build.example.com:6380/0')
  })

  it('is replaced whole where an embedded broker stands in', () => {
    const services = [{ names: ['rabbitmq', 'redis'], ports: [], url: 'redis://:secret@127.0.0.1:4000' }]
    expect(rewritten('amqp://u:p@rabbitmq:5672/vhost', services)).toBe('redis://:secret@127.0.0.1:4000/0')
    expect(rewritten('redis://:old@redis:6379/3', services)).toBe('redis://:secret@127.0.0.1:4000/3')
  })
})
