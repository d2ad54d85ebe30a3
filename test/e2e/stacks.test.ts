import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, makeProject, temporaryDirectory } from '../support/cli.ts'

/** A user of this machine who has no other stacks: engines are registered among the temporary files. */
describe('stacks on the embedded engine', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>
  let shop: string
  let store: string
  const anywhere = (...args: string[]) =>
    cli(args, { cwd: '/', env: { TMPDIR: home.path, DOCKER_HOST: 'unix:///nope' }, timeoutMs: 50_000 })
  const inside = (cwd: string, ...args: string[]) =>
    cli(args, { cwd, env: { TMPDIR: home.path, DOCKER_HOST: 'unix:///nope' }, timeoutMs: 50_000 })
  beforeAll(async () => {
    home = await temporaryDirectory()
    shop = await makeProject(home.path, { broker: 'redis' })
    store = await makeProject(home.path, { broker: 'redis', name: 'store' })
  })
  afterAll(async () => {
    await anywhere('down', '--all', '--yes')
    await home[Symbol.asyncDispose]()
  })

  it('are listed from anywhere, and there are none at first', async () => {
    expect((await anywhere('ls')).stdout).toBe('There are no stacks on this machine.\n')
    expect(await inside(shop, 'up', '-d')).toMatchObject({ code: 0 })
    const { stacks } = JSON.parse((await anywhere('list', '--json')).stdout)
    expect(stacks).toEqual([
      expect.objectContaining({ name: 'shop', engine: 'embedded', directory: shop, madeBy: 'celery-sandbox' }),
    ])
  })

  it('stop, start, restart and scale', async () => {
    const states = async () => {
      const { containers } = JSON.parse((await inside(shop, 'ps', '--json')).stdout)
      return containers.map(({ name, state }: { name: string; state: string }) => `${name} ${state}`)
    }
    expect(await inside(shop, 'stop', 'worker')).toMatchObject({ code: 0 })
    expect(await states()).toEqual(['shop-redis-1 running', 'shop-worker-1 exited', 'shop-worker-2 exited'])
    expect((await inside(shop, 'start')).stdout).toContain('shop-worker-2 healthy')
    expect((await inside(shop, 'restart', 'worker')).stdout).toMatch(/shop-worker-1 stopping.*shop-worker-1 healthy/s)
    expect((await inside(shop, 'scale', 'worker=3')).stdout).toContain('shop-worker-3 healthy')
    expect((await inside(shop, 'scale', 'worker=1')).code).toBe(0)
    expect(await states()).toEqual(['shop-redis-1 running', 'shop-worker-1 running'])
    expect((await anywhere('ps', '-p', 'shop', '-q')).stdout.trim().split('\n')).toHaveLength(2)
  })

  it('refuse what processes cannot do, and say what can', async () => {
    const { code, stderr } = await inside(shop, 'pause', 'redis')
    expect([code, stderr]).toEqual([3, expect.stringContaining('--engine docker')])
  })

  it('come down all at once, also where the file is gone', async () => {
    expect(await inside(store, 'up', '-d')).toMatchObject({ code: 0 })
    await rm(`${store}/compose.yaml`)
    const { stdout } = await anywhere('ls', '-q')
    expect(stdout).toBe('shop\nstore\n')
    expect(await anywhere('down', '--all', '--yes')).toMatchObject({ code: 0 })
    expect((await anywhere('ls', '-q')).stdout).toBe('')
  })
})
