import { expect, it } from 'vitest'
import { createEmbeddedBroker } from '../../src/embedded/broker.ts'
import { askRedis } from '../support/redis.ts'
import { recording } from './recorded.ts'

interface Recorded {
  command: string
}

const startup = recording<Recorded[]>('redis/worker_startup_commands.json')
const executed = recording<Record<string, { commands: Recorded[] }>>('redis/executed.json')
const control = recording<Record<string, { commands: Recorded[] }>>('redis/remote_control.json')

it('the embedded broker knows every command that a Python worker and its clients send', async () => {
  const all = [
    ...startup,
    ...[...Object.values(executed), ...Object.values(control)].flatMap(({ commands }) => commands),
  ]
  const names = [...new Set(all.map(({ command }) => command.split(' ')[0]?.toUpperCase() ?? ''))]
  expect(names.length).toBeGreaterThan(20)
  const broker = createEmbeddedBroker()
  await broker.start()
  // Without its arguments a command may be refused, but not as unknown.
  const replies = names.map((name) => askRedis(broker.url, name).catch((error: Error) => error.message))
  const unknown = (await Promise.all(replies)).filter((reply) => reply.includes('unknown command'))
  await broker.stop()
  expect(unknown).toEqual([])
})
