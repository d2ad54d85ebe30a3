import { rmSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listStacks } from '../../compose/index.ts'
import { cli } from '../support/cli.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'
import { collect, docker, operationsIn, Sandbox } from './docker.ts'

failOnLeaks()

const hears = `["sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done"]`

const shop = `
services:
  redis: { image: $REDIS, command: redis-server --save "", ports: ["127.0.0.1::6379"] }
  worker: { image: $NODE, command: ${hears}, depends_on: [redis] }
`

describeWith(['docker', 'images', 'compose'], 'with a stack on Docker', () => {
  let sandbox: Sandbox
  beforeEach(() => {
    sandbox = new Sandbox()
    sandbox.write(shop)
  })
  afterEach(() => sandbox.remove())

  const here = (...args: string[]) => cli(args, { cwd: sandbox.directory, env: sandbox.env })

  describe('scale', () => {
    it('makes more and fewer of a service, and touches nothing else, whatever its file has become', async () => {
      await sandbox.compose('up', '--detach')
      const before = await sandbox.ids()
      sandbox.write(shop.replace('redis-server', 'redis-server --appendonly no').replace('echo ready', 'echo READY'))
      expect(await here('scale', 'worker=3')).toMatchObject({ code: 0 })
      expect(await sandbox.ids()).toMatchObject({ ...before, 'worker-3': expect.any(String) })
      const stack = await sandbox.open()
      expect(operationsIn(await collect(stack.scale({ worker: 1 })))).toHaveLength(4)
      expect(await sandbox.ids()).toEqual(before)
      expect(await here('scale', 'worker')).toMatchObject({ code: 2, stderr: expect.stringContaining('worker=4') })
    })

    it('gives each container a port of its own', async () => {
      await here('up', '-d', '--scale', 'redis=2', 'redis')
      const addresses = await Promise.all(['1', '2'].map((n) => here('port', 'redis', '6379', '--index', n)))
      const theirs = await Promise.all(['1', '2'].map((n) => sandbox.compose('port', '--index', n, 'redis', '6379')))
      expect(addresses.map(({ stdout }) => stdout)).toEqual(theirs)
      expect(new Set(theirs).size).toBe(2)
      expect(await here('port', 'redis', '1')).toMatchObject({ stderr: expect.stringContaining('PORT_UNPUBLISHED') })
    })
  })

  it('ps has the ids, services and states of Docker Compose', async () => {
    await sandbox.up()
    await sandbox.compose('run', '--detach', '--no-deps', 'worker', 'true')
    expect((await here('ps', '-q')).stdout.trim().split('\n').sort()).toEqual(
      (await sandbox.compose('ps', '-q', '--no-trunc')).trim().split('\n').sort(),
    )
    expect((await here('ps', '--services')).stdout).toBe('redis\nworker\n')
    expect((await here('ps', '--filter', 'status=exited')).stdout).toContain('Nothing of')
    const ended = async () => (await here('ps', '--all', '--filter', 'status=exited')).stdout
    await expect.poll(ended, { timeout: 20_000 }).toContain('-run-')
    expect((await here('ps', 'redis')).stdout).toMatch(
      /^NAME .*\n\S+-redis-1 +redis +healthy +127\.0\.0\.1:\d+->6379\n$/,
    )
    expect(await here('ps', '--filter', 'age=3')).toMatchObject({ code: 2 })
  })

  it('top shows the processes of each container', async () => {
    await sandbox.up()
    const { stdout } = await here('top', 'redis', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      container: `${sandbox.name}-redis-1`,
      titles: expect.arrayContaining(['PID', 'CMD']),
    })
    expect((await here('top')).stdout).toMatch(/redis-server/)
  })

  describe('ls', () => {
    const own = async () => (await listStacks({ env: sandbox.env })).find(({ name }) => name === sandbox.name)

    it('knows stacks of both makers from anywhere, and those whose directory is gone', async () => {
      expect(await own()).toBeUndefined()
      await sandbox.compose('up', '--detach')
      expect(await own()).toEqual({
        name: sandbox.name,
        engine: 'docker',
        directory: sandbox.directory,
        files: [`${sandbox.directory}/compose.yaml`],
        states: { running: 2 },
        madeBy: 'docker compose',
        isOrphan: false,
      })
      await sandbox.up({ recreate: 'always' })
      rmSync(sandbox.directory, { recursive: true })
      expect(await own()).toMatchObject({ madeBy: 'celery-sandbox', isOrphan: true })
      const listed = await cli(['ls'], { cwd: '/', env: sandbox.env })
      expect(listed.stdout).toMatch(
        new RegExp(`^${sandbox.name} +running \\(2\\) +docker +celery-sandbox .*no longer there`, 'm'),
      )
      expect(await cli(['down', '-p', sandbox.name], { cwd: '/', env: sandbox.env })).toMatchObject({ code: 0 })
      expect(await sandbox.remains()).toEqual([])
    })
  })

  describe('down', () => {
    it('of a named project works from the directory of another', async () => {
      const other = new Sandbox()
      try {
        other.write(shop)
        await sandbox.up()
        expect(await cli(['down', '-p', sandbox.name], { cwd: other.directory, env: other.env })).toMatchObject({
          code: 0,
        })
        expect(await sandbox.remains()).toEqual([])
      } finally {
        await other.remove()
      }
    })

    it('removes images on request: what was built, or all, but none that others use', async () => {
      const image = `${sandbox.name}-built`
      const change = `LABEL com.docker.compose.project=${sandbox.name}`
      const base = parts().images.NODE_IMAGE
      const made = await run('docker', ['create', base], { env: sandbox.env })
      await run('docker', ['commit', '--change', change, made.stdout.trim(), image], { env: sandbox.env })
      await run('docker', ['tag', base, `${sandbox.name}-tagged`], { env: sandbox.env })
      const exists = async (name: string) => Object.keys(await (await docker()).images([name])).length === 1
      sandbox.write(
        `services: { a: { image: ${image}, command: ${hears} }, b: { image: ${sandbox.name}-tagged, command: ${hears} } }`,
      )
      await sandbox.up()
      await sandbox.down({ images: 'local' })
      expect([await exists(image), await exists(`${sandbox.name}-tagged`)]).toEqual([false, true])
      sandbox.write(`services: { b: { image: ${sandbox.name}-tagged, command: ${hears} } }`)
      await sandbox.up()
      await sandbox.down({ images: 'all' })
      expect([await exists(`${sandbox.name}-tagged`), await exists(base)]).toEqual([false, true])
      await run('docker', ['rm', made.stdout.trim()], { env: sandbox.env })
    })

    it('--all asks first, and takes nobody at his word who says nothing', async () => {
      await sandbox.up()
      const asked = await cli(['down', '--all'], { cwd: '/', env: sandbox.env, input: '' })
      expect(asked).toMatchObject({ code: 1, stderr: expect.stringContaining(sandbox.name) })
      expect(asked.stderr).toContain('ABORTED')
      expect(await cli(['down', '--all', '--json'], { cwd: '/', env: sandbox.env })).toMatchObject({ code: 2 })
      expect(await sandbox.remains()).not.toEqual([])
    })
  })
})
