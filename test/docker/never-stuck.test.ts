import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { probes } from '../../cli/probes.ts'
import { StackError, type StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { Sandbox, stepsIn } from './docker.ts'

failOnLeaks()

describeWith(['docker', 'images', 'compose'], 'a stack on Docker that cannot start', () => {
  let sandbox: Sandbox
  let events: StackEvent[] = []
  let failedAt = 0

  beforeEach(() => {
    sandbox = new Sandbox()
    Object.assign(sandbox.env, {
      RABBITMQ: parts().images.RABBITMQ_IMAGE,
      CELERY: parts().images.PYTHON_CELERY_IMAGE,
    })
    events = []
    failedAt = 0
  })

  afterEach(() => sandbox.remove())

  const up = async (text: string, timeoutSeconds = 100) => {
    sandbox.write(text)
    const stack = await sandbox.open({ probes })
    for await (const event of stack.up({ timeoutSeconds })) {
      events.push(event)
      if (event.type === 'step' && event.step === 'failed') failedAt ||= Date.now()
    }
  }

  const failure = async (text: string, timeoutSeconds?: number): Promise<StackError> => {
    try {
      await up(text, timeoutSeconds)
    } catch (thrown) {
      if (thrown instanceof StackError) return thrown
      throw thrown
    }
    throw new Error('it started')
  }

  const named = (name: string) => `${sandbox.name}-${name}`

  /** From the end of a container to its failure. */
  const toldAfterMs = async (container: string) => {
    const finishedAt = await sandbox.docker('inspect', '--format', '{{.State.FinishedAt}}', named(container))
    return failedAt - Date.parse(finishedAt.trim())
  }

  it.each([
    ['a mistake in a command', 'command: [sh, -c, "nonesuch --option"]', 127, 'a command was not found'],
    ['a script that may not be run', 'command: [sh, -c, "/etc/passwd"]', 126, 'a command may not be executed'],
    ['an exit code', 'command: [sh, -c, "echo who knows; exit 3"]', 3, ''],
    [
      'a missing module',
      'image: "$CELERY", command: [python3, -c, "import nonesuch"]',
      1,
      'a Python module is missing',
    ],
    [
      'an app that is not there',
      'image: "$CELERY", command: [celery, -A, nonesuch, worker]',
      2,
      'a Python module is missing',
    ],
    ['a missing file', 'image: "$CELERY", command: [python3, /nonesuch.py]', 2, 'a file it needs is not there'],
    [
      'a wrong option of Redis',
      'image: "$REDIS", command: [redis-server, --port, many]',
      1,
      'its configuration is wrong',
    ],
    [
      'data that may not be written',
      'image: "$REDIS", command: [redis-server, --appendonly, "yes", --dir, /proc/1], user: "1"',
      1,
      '',
    ],
  ])('says so at once: %s', async (_, config, exitCode, cause) => {
    const image = config.includes('image:') ? '' : 'image: "$NODE", '
    const health = 'healthcheck: { test: "true", interval: 60s }'
    const error = await failure(`services:
      app: { ${image}${config}, ${health} }
      other: { image: "$NODE", command: [sleep, "1000"], depends_on: { app: { condition: service_healthy } } }`)
    expect(error.message).toContain(`${named('app-1')} exited with code ${exitCode}${cause && `: ${cause}`}`)
    expect(error.message).toMatch(/; other waited for it$/)
    expect(error.details.length).toBeGreaterThan(0)
    expect(await toldAfterMs('app-1')).toBeLessThan(1000)
    expect(stepsIn(events, named('other-1'))).not.toContain('starting')
  })

  it('names the limit of memory', async () => {
    const error = await failure(
      `services: { app: { image: "$NODE", mem_limit: 8m, command: [sh, -c, "head -c 64m /dev/zero | tail"], healthcheck: { test: "true", interval: 60s } } }`,
    )
    expect(error.message).toContain('out of memory, it used more than its limit of 8 MiB')
  })

  it('does not wait for a container that ends again and again', async () => {
    const error = await failure(
      `services: { app: { image: "$NODE", restart: always, command: [sh, -c, "echo trying; exit 5"], healthcheck: { test: "true", interval: 60s } } }`,
    )
    expect(error.message).toBe(`${named('app-1')} exited with code 5, 3 times; the engine starts it again and again`)
    expect(error.details).toContain('trying')
  })

  it('forgives a container that needed a second attempt', async () => {
    await up(
      `services: { app: { image: "$NODE", restart: on-failure, command: [sh, -c, "[ -e /tmp/x ] && exec sleep 1000; touch /tmp/x; exit 1"], stop_grace_period: 0s } }`,
    )
    expect(stepsIn(events, named('app-1')).at(-1)).toBe('running')
  })

  it('shows what the health check says while it waits, and when it gives up', async () => {
    const error = await failure(
      `services: { app: { image: "$NODE", command: [sleep, "1000"], stop_grace_period: 0s, healthcheck: { test: "echo not today; exit 1", interval: 1s, retries: 4 } } }`,
    )
    expect(error.code).toBe('SERVICE_UNHEALTHY')
    expect(error.message).toBe(
      `${named('app-1')} is unhealthy after 4 failures in a row; its health check printed: not today`,
    )
    const details = events.flatMap((event) => (event.type === 'step' && event.step === 'waiting' ? [event.detail] : []))
    expect(details.some((detail) => /^its health check failed [123] of 4 times: not today$/.test(detail))).toBe(true)
    expect(details.length).toBeLessThan(6)
  })

  it('calls what is slow slow, with what keeps it', async () => {
    const error = await failure(
      `services: { app: { image: "$NODE", command: [sleep, "1000"], stop_grace_period: 0s, healthcheck: { test: "echo warming up; exit 1", interval: 500ms, retries: 100 } } }`,
      3,
    )
    expect(error.code).toBe('SERVICE_STILL_STARTING')
    expect(error.message).toMatch(/is still starting after 3 s: its health check failed \d of 100 times: warming up$/)
  })

  it('knows a one-shot that did its work from one that did not', async () => {
    const file = (code: number) => `services:
      migrate: { image: "$NODE", command: [sh, -c, "exit ${code}"] }
      done: { image: "$NODE", command: ["true"] }
      app: { image: "$NODE", command: [sleep, "1000"], stop_grace_period: 0s, depends_on: { migrate: { condition: service_completed_successfully } } }`
    await up(file(0))
    expect(stepsIn(events, named('migrate-1')).at(-1)).toBe('completed')
    expect(stepsIn(events, named('done-1')).at(-1)).toBe('completed')
    const error = await failure(file(4))
    expect(error.message).toBe(`${named('migrate-1')} exited with code 4; app waited for it`)
  })

  it('quotes the line of a configuration that RabbitMQ refuses', async () => {
    mkdirSync(join(sandbox.directory, 'conf'))
    writeFileSync(join(sandbox.directory, 'conf', '99.conf'), 'listeners.tcp.default = nonsense\n')
    const error = await failure(
      `services: { rabbitmq: { image: "$RABBITMQ", ports: ["127.0.0.1::5672"], volumes: ["./conf/99.conf:/etc/rabbitmq/conf.d/99.conf:ro"] } }`,
    )
    expect(error.code).toBe('SERVICE_EXITED')
    expect(error.message).toContain('its configuration is wrong')
    expect(error.details.join('\n')).toContain('listeners.tcp.default')
  })

  it('says that a password is wrong', async () => {
    const error = await failure(
      `services:
        redis: { image: "$REDIS", command: [redis-server, --requirepass, right], ports: ["127.0.0.1::6379"], environment: { REDIS_PASSWORD: right }, stop_grace_period: 1s }
        worker: { image: "$NODE", command: [sh, -c, "echo WRONGPASS invalid username-password pair; exit 1"], depends_on: { redis: { condition: service_healthy } } }`,
    )
    expect(error.message).toContain(`${named('worker-1')} exited with code 1: a login was refused`)
    expect(error.next).toContain('.env')
  })

  it('is not misled by somebody who removes a container meanwhile', async () => {
    sandbox.write(
      `services: { app: { image: "$NODE", command: [sleep, "1000"], healthcheck: { test: "false", interval: 60s } } }`,
    )
    const stack = await sandbox.open({ probes })
    const going = (async () => {
      for await (const event of stack.up()) {
        if (event.type === 'step' && event.step === 'waiting') await sandbox.docker('rm', '--force', named('app-1'))
      }
    })()
    await expect(going).rejects.toMatchObject({ code: 'SERVICE_EXITED' })
  })
})
