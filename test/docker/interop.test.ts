import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { operationsIn, Sandbox } from './docker.ts'

failOnLeaks()

const loop = `["sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"]`

/** What a dev stack has: mounts, an environment file, a healthcheck, replicas, networks, anchors. */
const shop = `
x-common: &common
  init: true
  networks: [backend]
services:
  redis:
    <<: *common
    image: $REDIS
    command: redis-server --save "" --appendonly no
    ports: ["127.0.0.1:0:6379"]
    expose: [6379]
    volumes: ["data:/data", "/scratch"]
    tmpfs: /run:size=1m
    healthcheck: { test: redis-cli ping, interval: 200ms, timeout: 5s, retries: 30 }
    labels: { "team": "<queue> & co" }
  worker:
    <<: *common
    image: $NODE
    command: ${loop}
    working_dir: /app
    env_file: app.env
    environment: { BROKER: "redis://redis:6379/0", COST: "5$$", NUMBER: 1.50 }
    volumes: [".:/app:ro", { type: bind, source: ., target: /other }]
    depends_on: { redis: { condition: service_healthy, restart: true } }
    deploy: { replicas: 2, resources: { limits: { memory: 64M } } }
    stop_grace_period: 2s
    ulimits: { nofile: { soft: 1024, hard: 2048 } }
networks: { backend: { driver: bridge } }
volumes: { data: }
`

describeWith(['docker', 'images', 'compose'], "a stack shared with Docker's own Compose", () => {
  let sandbox: Sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
    sandbox.write(shop)
    writeFileSync(join(sandbox.directory, 'app.env'), 'FROM_FILE="a \\"b\\""\nTZ=Europe/Berlin # comment\n')
  })

  afterEach(() => sandbox.remove())

  it('has the same containers after its up as after ours', async () => {
    await sandbox.up()
    const ours = await sandbox.ids()
    const told = await sandbox.compose('up', '--detach', '--no-color')
    for (const name of Object.keys(ours)) expect(told).toContain(`Container ${sandbox.name}-${name}  Running`)
    expect(told).not.toMatch(/Recreat|Creat|Starting/)
    expect(await sandbox.ids()).toEqual(ours)
  })

  it('has nothing for us to change after its up', async () => {
    await sandbox.compose('up', '--detach')
    const theirs = await sandbox.ids()
    expect(Object.keys(theirs).sort()).toEqual(['redis-1', 'worker-1', 'worker-2'])
    expect(operationsIn(await sandbox.up())).toEqual([])
    expect(await sandbox.ids()).toEqual(theirs)
  })

  it('of ours is seen, read and taken down by it', async () => {
    await sandbox.up()
    const listed = await sandbox.compose('ps', '--format', '{{.Name}} {{.State}} {{.Health}}')
    expect(listed.trim().split('\n').sort()).toEqual(
      [
        `${sandbox.name}-redis-1 running healthy`,
        `${sandbox.name}-worker-1 running`,
        `${sandbox.name}-worker-2 running`,
      ].map((line) => expect.stringContaining(line)),
    )
    expect(await sandbox.compose('logs', '--no-color', 'worker')).toMatch(/worker-[12] +\| ready/)
    expect(await sandbox.compose('ls')).toContain(join(sandbox.directory, 'compose.yaml'))
    await sandbox.compose('down', '--volumes')
    expect(await sandbox.remains()).toEqual([])
  })

  it('of its own is seen, read and taken down by us', async () => {
    await sandbox.compose('up', '--detach')
    const stack = await sandbox.open()
    expect((await stack.ps()).map(({ service, number, health }) => [service, number, health])).toEqual([
      ['redis', 1, 'healthy'],
      ['worker', 1, 'none'],
      ['worker', 2, 'none'],
    ])
    const lines: string[] = []
    for await (const { container, text } of stack.logs({ services: ['worker'] })) lines.push(`${container} ${text}`)
    expect(lines.sort()).toEqual([`${sandbox.name}-worker-1 ready`, `${sandbox.name}-worker-2 ready`])
    await sandbox.down({ volumes: true })
    expect(await sandbox.remains()).toEqual([])
  })

  it('is scaled by one and known to the other', async () => {
    await sandbox.up({ scale: { worker: 3 } })
    expect((await sandbox.compose('ps', '--quiet', 'worker')).trim().split('\n')).toHaveLength(3)
    await sandbox.compose('up', '--detach', '--scale', 'worker=1')
    expect(Object.keys(await sandbox.ids()).sort()).toEqual(['redis-1', 'worker-1'])
    expect(operationsIn(await sandbox.up({ scale: { worker: 1 } }))).toEqual([])
  })

  it('makes anew on either side exactly what was edited', async () => {
    await sandbox.up()
    const before = await sandbox.ids()
    sandbox.write(shop.replace('NUMBER: 1.50', 'NUMBER: 2'))
    await sandbox.compose('up', '--detach')
    const after = await sandbox.ids()
    expect(after['redis-1']).toBe(before['redis-1'])
    expect(after['worker-1']).not.toBe(before['worker-1'])
    expect(operationsIn(await sandbox.up())).toEqual([])
    sandbox.write(shop)
    expect(operationsIn(await sandbox.up())[0]).toBe(`recreate ${sandbox.name}-worker-1 (its configuration changed)`)
  })

  it('does not count a one-off run as a replica, but takes it down', async () => {
    await sandbox.up()
    await sandbox.compose('run', '--detach', 'worker', 'sleep', '1000')
    expect(operationsIn(await sandbox.up())).toEqual([])
    const stack = await sandbox.open()
    expect((await stack.ps()).filter(({ oneOff }) => oneOff)).toHaveLength(1)
    await sandbox.down({ volumes: true, timeoutSeconds: 1 })
    expect(await sandbox.remains()).toEqual([])
  })

  describe('with a service that no profile enables', () => {
    it('comes down whole', async () => {
      sandbox.write(shop.replace('  worker:\n', '  worker:\n    profiles: [work]\n'))
      await sandbox.up({}, { profiles: ['work'] })
      expect(Object.keys(await sandbox.ids())).toHaveLength(3)
      await sandbox.down({ volumes: true })
      expect(await sandbox.remains()).toEqual([])
    })
  })
})
