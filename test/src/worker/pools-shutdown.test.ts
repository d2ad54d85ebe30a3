import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Program, start } from '../../support/process.ts'
import { until } from '../../support/wait.ts'
import { fixture, openSite } from './site.ts'

const site = openSite()
const { serve, begun, waiting } = site

describe.each(['async', 'solo', 'prefork', 'threads'])('a cold shutdown of the pool %s', (pool) => {
  it('gives back what is acknowledged late, and what stands in line', async () => {
    const worker = await serve({ pool })
    const running = await site.app.sendTask('tasks.stubborn')
    await begun()
    const inLine = await site.app.sendTask('tasks.add', { args: [1, 1] })
    await until(() => worker.state.reserved.size === 2, { describe: 'the second message' })
    await worker.stop({ level: 'cold' })
    expect(await waiting()).toBe(2)
    expect(await Promise.all([running.state(), inLine.state()])).toEqual(['PENDING', 'PENDING'])
  })

  it('fails what was acknowledged early', async () => {
    const worker = await serve({ pool })
    const running = await site.app.sendTask('tasks.wait', { args: [60_000] })
    await begun()
    await worker.stop({ level: 'cold' })
    expect(await waiting()).toBe(0)
    await expect(running.get({ timeout: 5 })).rejects.toMatchObject({ excType: 'WorkerLostError' })
  })
})

describe('a warm shutdown', () => {
  it('can still be made a cold one', async () => {
    const worker = await serve({ pool: 'prefork' })
    await site.app.sendTask('tasks.stubborn')
    await begun()
    const warm = worker.stop()
    await worker.stop({ level: 'cold' })
    await warm
    expect(await waiting()).toBe(1)
  })
})

describe('a soft shutdown', () => {
  it('is a cold one after a while', async () => {
    const worker = await serve({ pool: 'prefork' })
    await site.app.sendTask('tasks.stubborn')
    await begun()
    await worker.stop({ level: 'soft' })
    expect(await waiting()).toBe(1)
    expect(site.records.map(({ message }) => message)).toContain('Initiating Soft Shutdown, terminating in 0.3 seconds')
  })
})

describe('the command line', () => {
  const bin = join(import.meta.dirname, '../../../cli/bin.ts')
  const serveFrom = async (...options: string[]): Promise<Program> => {
    const args = [bin, 'worker', '-A', fixture, '-l', 'info', '-n', 'cli@test', '-c', '2', ...options]
    const program = start(process.execPath, args)
    await program.until('ready.')
    return program
  }
  const ask = async (method: string) => {
    return (await site.app.control.inspect({ destination: ['cli@test'] }).request(method))['cli@test']
  }

  it('cuts off what runs at the second Ctrl-C, after the soft while', async () => {
    await using program = await serveFrom('-P', 'prefork')
    await site.app.sendTask('tasks.stubborn')
    await program.until('tasks.stubborn')
    program.signal('SIGINT')
    await program.until('Warm shutdown')
    program.signal('SIGINT')
    expect(await program.exited).toMatchObject({ code: 1 })
    expect(program.output).toContain('Initiating Soft Shutdown')
    expect(await waiting()).toBe(1)
  })

  it('leaves no child behind, even when it is killed', async () => {
    await using program = await serveFrom('-P', 'prefork')
    const { pool } = (await ask('stats')) as { pool: { processes: number[] } }
    expect(pool.processes).toHaveLength(2)
    process.kill(program.pid ?? 0, 'SIGKILL')
    const isAlive = (pid: number) => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }
    await until(() => !pool.processes.some(isAlive), { describe: 'the children to end' })
  })
})
