import { describe, expect, it } from 'vitest'
import {
  embeddedModel,
  hostDirectory,
  ownCommand,
  processSpec,
} from '../../../../compose/engine/embedded/process-spec.ts'
import type { ContainerSpec } from '../../../../compose/engine/engine.ts'
import { modelOf } from '../../model-of.ts'

const commands = { broker: ['node', 'cli.js', 'broker'], bin: ['node', 'cli.js'] }

describe('a command that runs our CLI', () => {
  it.each([
    [
      ['node_modules/.bin/celery-sandbox', 'worker', '-A', 'app'],
      ['node', 'cli.js', 'worker', '-A', 'app'],
    ],
    [
      ['celery-sandbox', 'beat'],
      ['node', 'cli.js', 'beat'],
    ],
    [
      ['npx', '--yes', 'celery-sandbox', 'worker'],
      ['node', 'cli.js', 'worker'],
    ],
    [
      ['node', 'node_modules/celery-sandbox/dist/cli/bin.js', 'worker'],
      ['node', 'cli.js', 'worker'],
    ],
    [
      ['sh', '-c', 'exec celery-sandbox worker -l "info"'],
      ['node', 'cli.js', 'worker', '-l', 'info'],
    ],
  ])('%j is run our own way', (command, argv) => {
    expect(ownCommand({ entrypoint: null, command }, commands.bin)).toEqual(argv)
  })

  it('may be the entrypoint', () => {
    expect(ownCommand({ entrypoint: ['celery-sandbox'], command: ['worker'] }, commands.bin)).toEqual([
      'node',
      'cli.js',
      'worker',
    ])
  })

  it('is told apart from any other', () => {
    expect(ownCommand({ entrypoint: null, command: ['celery', 'worker'] }, commands.bin)).toBeUndefined()
    expect(ownCommand({ entrypoint: null, command: null }, commands.bin)).toBeUndefined()
  })
})

describe('the working directory of a container', () => {
  const bind = (source: string, target: string) => ({ type: 'bind', source, target }) as const

  it.each([
    [undefined, [], '/project'],
    ['/app', [bind('/project', '/app')], '/project'],
    ['/app/tasks/deep', [bind('/project', '/app')], '/project/tasks/deep'],
    ['/app/lib/x', [bind('/project', '/app'), bind('/elsewhere', '/app/lib')], '/elsewhere/x'],
    ['/apple', [bind('/project/src', '/app')], '/project'],
  ])('%s with %j is %s on the host', (working_dir, volumes, directory) => {
    const config = { command: null, entrypoint: null, volumes, ...(working_dir && { working_dir }) }
    expect(hostDirectory(config, '/project')).toBe(directory)
  })
})

describe('a model for the embedded engine', () => {
  const { model, notes } = embeddedModel(
    modelOf(`services:
  redis: { image: redis, ports: ["6380:6379", "8001:8001"], networks: [n], volumes: [data:/data] }
  rabbitmq: { image: rabbitmq, ports: ["5672:5672"] }
  worker: { image: x, command: celery-sandbox worker, depends_on: [redis, db], ports: ["9000:9000"], healthcheck: { test: x } }
  db: { image: postgres }
networks: { n: }
volumes: { data: }`),
    commands,
  )

  it('says of a process that it finds no secrets where containers have them', () => {
    const text = `services: { worker: { image: x, command: celery-sandbox worker, secrets: [s] } }
secrets: { s: { file: /dev/null } }`
    expect(embeddedModel(modelOf(text), commands).notes).toEqual([expect.stringContaining('worker finds no secrets')])
  })

  it('has the services that can be run, and a sentence for each other', () => {
    expect(Object.keys(model.services)).toEqual(['redis', 'rabbitmq', 'worker'])
    expect(notes.map((note) => note.split(' ', 3).join(' '))).toEqual(['rabbitmq is replaced', 'db is skipped:'])
    expect(model.services.worker?.config.depends_on).toEqual({
      redis: { condition: 'service_started', required: true },
    })
  })

  it('needs no network and no volume', () => {
    expect([model.networks, model.volumes]).toEqual([{}, {}])
    expect(model.services.redis?.config).not.toHaveProperty('networks')
    expect(model.services.redis?.config.volumes).toEqual([])
  })

  it('publishes brokers on this machine only, Redis where the file says', () => {
    const ports = Object.values(model.services).map(({ config }) => config.ports)
    expect(ports).toEqual([
      [{ host_ip: '127.0.0.1', target: 6379, mode: 'ingress', protocol: 'tcp', published: '6380' }],
      [{ host_ip: '127.0.0.1', target: 5672, mode: 'ingress', protocol: 'tcp' }],
      [],
    ])
  })

  const specOf = (name: string, port?: number): ContainerSpec => {
    const service = model.services[name]
    if (!service) throw new Error('no service')
    const ports = port === undefined ? [] : [{ host: '127.0.0.1', port, target: 6379, protocol: 'tcp' }]
    return { name: `shop-${name}-1`, model, service, labels: {}, ports, replaces: undefined }
  }

  it('becomes processes', () => {
    expect(processSpec(specOf('redis', 6381), commands)).toMatchObject({
      argv: ['node', 'cli.js', 'broker', '--port', '6381'],
      broker: { host: '127.0.0.1', port: 6381, target: 6379 },
      graceMs: 10_000,
      restart: { policy: 'no', attempts: 0 },
    })
    expect(processSpec(specOf('worker'), commands)).toMatchObject({
      name: 'shop-worker-1',
      hostname: 'shop-worker-1',
      argv: ['node', 'cli.js', 'worker'],
      command: ['celery-sandbox', 'worker'],
      broker: undefined,
      stopSignal: 'SIGTERM',
    })
  })
})
