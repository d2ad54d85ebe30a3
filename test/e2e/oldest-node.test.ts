import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { binPath } from '../../cli/installation.ts'
import { linkRunningCopy } from '../../cli/scaffold/install.ts'
import { temporaryDirectory } from '../support/cli.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'

describeWith(['oldestNode'], 'on the oldest Node that is supported', () => {
  let home: Awaited<ReturnType<typeof temporaryDirectory>>
  let project: string
  beforeAll(async () => {
    home = await temporaryDirectory()
    project = join(home.path, 'shop')
  })
  afterAll(() => home[Symbol.asyncDispose]())

  const node = (args: string[], cwd: string) => {
    const { path } = parts().oldestNode
    const env = { CI: undefined, VITEST: undefined, NODE_OPTIONS: undefined, DOCKER_HOST: 'unix:///nope' }
    return run(path, args, { cwd, env: { ...env, PATH: `${dirname(path)}:${process.env.PATH}` } })
  }
  const cli = (...args: string[]) => node([binPath, ...args], project)

  it('demo shows all it has', async () => {
    const { stdout, stderr, code } = await node([binPath, 'demo'], home.path)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toContain('✓ add(2, 3) → 5')
  })

  it('a project is made, goes up, answers 8 and goes down, without a warning', async () => {
    const made = await node([binPath, 'init', 'shop', '--yes', '--skip-install'], home.path)
    expect(made).toMatchObject({ code: 0, stderr: '' })
    await linkRunningCopy(project)
    try {
      expect(await cli('up', '-d')).toMatchObject({ code: 0, stderr: '' })
      const eight = { code: 0, stdout: '8\n', stderr: '' }
      expect(await cli('repl', '-e', 'await add.delay(4, 4).get()')).toMatchObject(eight)
      const { stdout } = await cli('logs')
      expect(stdout).toMatch(/worker-1 .* on Node 22\.18\./)
      expect(stdout).not.toContain('Warning')
    } finally {
      expect(await cli('down')).toMatchObject({ code: 0, stderr: '' })
    }
  })

  it('results are kept in SQLite, without a warning', async () => {
    const program = `
      import { Celery, Worker } from 'celery-sandbox'
      const app = new Celery('own', { brokerUrl: 'memory://', resultBackend: 'db+sqlite:///results.db' })
      const add = app.task('add', (x: number, y: number) => x + y)
      const worker = new Worker(app)
      await worker.start()
      console.log(await add.delay(4, 4).get())
      await worker.stop()
      await app.close()`
    await writeFile(join(project, 'own.ts'), program)
    expect(await node(['own.ts'], project)).toMatchObject({ code: 0, stdout: '8\n', stderr: '' })
  })
})
