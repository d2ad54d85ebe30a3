import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { binPath } from '../../cli/installation.ts'
import { version } from '../../src/version.ts'
import { cli, temporaryDirectory } from '../support/cli.ts'
import { answer, run } from '../support/process.ts'

/** The older ones that this machine has. */
async function olderNodes(): Promise<string[][]> {
  const paths = new Set(((await answer('which', ['-a', 'node'])) ?? '').split('\n').filter((path) => path !== ''))
  const versions = await Promise.all([...paths].map(async (path) => [path, await answer(path, ['--version'])] as const))
  return versions.filter(([, found]) => /^v(1\d|20|21)\./.test(found ?? '')).map(([path]) => [path])
}

describe('the command line', () => {
  it('prints its version', async () => {
    expect(await cli(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each([['--version'], ['--help'], ['ps', '--help']])(
    'imports neither ink nor dockerode for %s',
    async (...args) => {
      // Each module that is loaded is written down by a hook.
      const hook = `
      import { registerHooks } from 'node:module'
      registerHooks({ load(url, context, next) { process.stderr.write('LOADED ' + url + '\\n'); return next(url, context) } })`
      const preload = `data:text/javascript,${encodeURIComponent(hook)}`
      const { stderr, code } = await run(process.execPath, ['--import', preload, binPath, ...args])
      expect(code).toBe(0)
      const loaded = stderr.split('\n').filter((line) => line.startsWith('LOADED'))
      expect(loaded.length).toBeGreaterThan(0)
      expect(loaded.filter((line) => /node_modules\/(ink|react|dockerode|ioredis|amqplib)\//.test(line))).toEqual([])
    },
  )

  it('says which Node it needs, and how to get it, on an older one', async () => {
    const pretending = `data:text/javascript,Object.defineProperty(process.versions,'node',{value:'20.20.2'})`
    const nodes = [[process.execPath, '--import', pretending], ...(await olderNodes())]
    for (const [node = '', ...args] of nodes) {
      expect(await run(node, [...args, binPath, 'up']), node).toMatchObject({
        code: 3,
        stdout: '',
        stderr: expect.stringMatching(
          /^celery-sandbox needs Node 22\.18 or newer, and this is [\d.]+; get it with: npx .+\n$/,
        ),
      })
    }
  })

  it('shows examples with the help of a command', async () => {
    const { stdout, code } = await cli(['repl', '--help'])
    expect(code).toBe(0)
    expect(stdout).toContain("$ celery-sandbox repl -e 'await add.delay(4, 4).get()'")
  })

  it('refuses what it does not know, with exit code 2', async () => {
    expect(await cli(['upp'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining("error[USAGE]: unknown command 'upp'"),
    })
  })

  it('writes no escape byte into a pipe', async () => {
    await using home = await temporaryDirectory()
    const { stdout, stderr } = await cli(['init', 'shop', '--dry-run'], { cwd: home.path })
    expect(stdout + stderr).not.toContain('\x1b')
  })

  it('is quiet when its reader has seen enough', async () => {
    const pipe = `"${process.execPath}" "${binPath}" --help | head -1`
    const { stdout, stderr, code } = await run('bash', ['-o', 'pipefail', '-c', pipe])
    expect({ lines: stdout.split('\n').length, stderr, code }).toEqual({ lines: 2, stderr: '', code: 0 })
  })
})

describe('init', () => {
  it('never waits for an answer that cannot come', async () => {
    await using home = await temporaryDirectory()
    expect(await cli(['init'], { cwd: home.path, input: '' })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('celery-sandbox init sandbox --template minimal --broker rabbitmq --yes'),
    })
    expect(await readdir(home.path)).toEqual([])
  })

  it('makes the project that its flags describe, and says how to make it again', async () => {
    await using home = await temporaryDirectory()
    const args = ['init', 'shop', '--broker', 'redis', '--skip-install', '--yes', '--json']
    const { stdout, code } = await cli(args, { cwd: home.path })
    expect(code).toBe(0)
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(events.at(-1)).toMatchObject({
      type: 'created',
      v: 1,
      name: 'shop',
      command: 'celery-sandbox init shop --template minimal --broker redis --yes',
    })
    expect(await readdir(join(home.path, 'shop'))).toContain('compose.yaml')
  })

  it('refuses a directory that has something in it, unless forced', async () => {
    await using home = await temporaryDirectory()
    await mkdir(join(home.path, 'shop'))
    await writeFile(join(home.path, 'shop', 'mine'), '')
    const again = (...more: string[]) => cli(['init', 'shop', '--skip-install', '--yes', ...more], { cwd: home.path })
    expect(await again()).toMatchObject({ code: 1, stderr: expect.stringContaining('error[DIRECTORY_EXISTS]') })
    expect(await readdir(join(home.path, 'shop'))).toEqual(['mine'])
    expect(await again('--force')).toMatchObject({ code: 0 })
    expect(await readdir(join(home.path, 'shop'))).toContain('mine')
  })
})

describe('outside of a project', () => {
  it('every command says what is missing and what to do', async () => {
    await using home = await temporaryDirectory()
    for (const args of [['up'], ['down'], ['ps'], ['env'], ['repl', '-e', '1'], ['call', 'x']]) {
      const { code, stderr } = await cli(args, { cwd: home.path })
      expect([args[0], code]).toEqual([args[0], 3])
      expect(stderr, args[0]).toMatch(/^error\[[A-Z_]+\]: .+\n {2}.+\n$/)
    }
  })
})
