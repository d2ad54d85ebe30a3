import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, startCli } from '../support/cli.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { collect, Sandbox } from './docker.ts'

failOnLeaks()

const shop = `
services:
  busy: { image: $NODE, command: [sh, -c, "trap 'exit 0' TERM; while :; do :; done"], mem_limit: 64M }
  idle: { image: $NODE, command: sleep 1000 }
  job: { image: $NODE, command: [sh, -c, "sleep 1; exit 3"] }
`

describeWith(['docker', 'images', 'compose'], 'a stack that is watched', () => {
  const sandbox = new Sandbox()
  beforeAll(async () => {
    sandbox.write(shop)
    await sandbox.up({ services: ['busy', 'idle'] })
  })
  afterAll(() => sandbox.remove())
  const here = (...args: string[]) => cli(args, { cwd: sandbox.directory, env: sandbox.env })

  describe('stats', () => {
    it('shows once what docker stats shows', async () => {
      const { stdout } = await here('stats', '--no-stream', '--json')
      const samples = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(samples.map(({ service }) => service)).toEqual(['busy', 'idle'])
      expect(samples[0].sample.cpuPercent).toBeGreaterThan(10)
      expect(samples[1].sample.cpuPercent).toBeLessThan(10)
      expect(samples[0].sample.memoryLimitBytes).toBe(64 * 1024 * 1024)
      const text = (await here('stats', '--no-stream', 'busy')).stdout
      expect(text).toMatch(
        /^NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS\n\S+-busy-1 +\d+\.\d\d% +[\d.]+[KM]iB \/ 64MiB +[\d.]+% .* 1\n$/,
      )
    })

    it('goes on with what starts, leaves out what ends, and ends with the last', async () => {
      const stack = await sandbox.open()
      const seen: string[] = []
      for await (const { service, sample } of stack.stats({ services: ['idle'] })) {
        seen.push(sample ? 'runs' : 'ended')
        if (seen.length === 1) {
          expect([service, sample?.cpuPercent]).toEqual(['idle', undefined])
          await collect(stack.stop({ services: ['idle'] }))
        }
      }
      expect(seen.at(-1)).toBe('ended')
      await collect(stack.start({ services: ['idle'] }))
    })
  })

  describe('events --stack', () => {
    it('tells what docker compose events tells', async () => {
      const since = new Date().toISOString()
      const words = ['events', '--stack', '--json', '--since', since]
      await using ours = startCli(words, { cwd: sandbox.directory, env: sandbox.env })
      const past = async () =>
        (await here('events', '--stack', 'idle', '--json', '--since', since, '--until', '0s')).stdout
      await collect((await sandbox.open()).restart({ services: ['idle'] }))
      const lines = (await past())
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(lines.map(({ action }) => action)).toEqual(expect.arrayContaining(['kill', 'die', 'start']))
      expect(lines[0]).toMatchObject({
        type: 'container',
        service: 'idle',
        attributes: { name: `${sandbox.name}-idle-1`, image: sandbox.env.NODE },
      })
      await ours.until('"action":"start"')
    })

    it('writes a line an event', async () => {
      const { stdout } = await here('events', '--stack', '--since', '1h', '--until', '0s')
      expect(stdout).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} container start [0-9a-f]{64} \(.*name=/m)
    })
  })

  it('wait gives the exit code of the first that ends', async () => {
    await sandbox.compose('up', '--detach', 'job')
    expect(await here('wait', 'job')).toMatchObject({ code: 3, stdout: '3\n' })
    expect(await here('wait', 'job', 'busy')).toMatchObject({ code: 3 })
  })
})
