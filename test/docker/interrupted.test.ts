import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { start } from '../support/process.ts'
import { operationsIn, Sandbox } from './docker.ts'

failOnLeaks()

const bin = join(import.meta.dirname, '..', '..', 'cli', 'bin.ts')

const file = (level: string) => `
services:
  redis: { image: $REDIS, volumes: ["data:/data"], environment: { LEVEL: ${level} }, init: true, healthcheck: { test: redis-cli ping, interval: 500ms } }
  worker:
    image: $NODE
    command: [sleep, "1000"]
    init: true
    environment: { LEVEL: ${level} }
    depends_on: { redis: { condition: service_healthy } }
    deploy: { replicas: 2 }
volumes: { data: }
`

describeWith(['docker', 'images', 'compose'], 'a command on Docker that is killed', () => {
  let sandbox: Sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
  })

  afterEach(() => sandbox.remove())

  /** Runs our command line and kills it, with no time for anything, when it has said this. */
  async function killedAt(moment: RegExp, ...args: string[]): Promise<void> {
    const options = { cwd: sandbox.directory, env: { ...sandbox.env, CI: undefined } }
    await using program = start(process.execPath, [bin, ...args, '--engine', 'docker', '--json'], options)
    await program.until(moment)
    program.signal('SIGKILL')
    await program.exited
  }

  const containers = async () => Object.keys(await sandbox.ids()).sort()

  it.each([
    ['while a network is made', /"resource":"network"/],
    ['while a container is made', /redis-1","step":"creating"/],
    ['while a container starts', /redis-1","step":"starting"/],
    ['while one waits for another', /redis-1","step":"waiting"/],
    ['while several start', /worker-2","step":"starting"/],
  ])('%s is rolled forward by the next up', async (_, moment) => {
    sandbox.write(file('info'))
    await killedAt(moment, 'up', '-d')
    await sandbox.up()
    expect(await containers()).toEqual(['redis-1', 'worker-1', 'worker-2'])
    expect(operationsIn(await sandbox.up())).toEqual([])
  })

  it('while it makes containers anew, scales or takes down, is rolled forward as well', async () => {
    sandbox.write(file('info'))
    await sandbox.up()
    sandbox.write(file('debug'))
    await killedAt(/redis-1","step":"stopping"/, 'up', '-d')
    await sandbox.up()
    expect(await containers()).toEqual(['redis-1', 'worker-1', 'worker-2'])
    await killedAt(/"step":"stopping"/, 'down')
    await sandbox.up()
    expect(await containers()).toHaveLength(3)
    expect(operationsIn(await sandbox.up())).toEqual([])
    await killedAt(/"step":"stopped"/, 'down')
    await sandbox.down({ volumes: true })
    expect(await sandbox.remains()).toEqual([])
  })

  it('or meets with others who remove things meanwhile, is told what to do, and the next up does it', async () => {
    sandbox.write(file('info'))
    await sandbox.up()
    await sandbox.down()
    const stack = await sandbox.open()
    const going = (async () => {
      for await (const event of stack.up()) {
        if (event.type === 'step' && event.container.endsWith('redis-1') && event.step === 'waiting') {
          await sandbox.docker('rm', '--force', `${sandbox.name}-redis-1`)
        }
      }
    })()
    await expect(going).rejects.toMatchObject({ code: 'SERVICE_EXITED' })
    await sandbox.up()
    // A network that went, and came again under its name, is another one.
    await sandbox.docker('stop', '--time', '0', ...(await containers()).map((name) => `${sandbox.name}-${name}`))
    await sandbox.docker('network', 'rm', `${sandbox.name}_default`)
    await sandbox.up()
    expect(await containers()).toEqual(['redis-1', 'worker-1', 'worker-2'])
  })
})
