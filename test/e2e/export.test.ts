import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cli, startCli, temporaryDirectory } from '../support/cli.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run, start } from '../support/process.ts'

let home: Awaited<ReturnType<typeof temporaryDirectory>>
let cwd: string
beforeAll(async () => {
  home = await temporaryDirectory()
  cwd = join(home.path, 'the 100% shop') // what systemd would take apart and expand
  await mkdir(cwd)
  const source = `import { Celery } from '${new URL('../../dist/src/index.js', import.meta.url)}'\nexport const app = new Celery('shop')`
  await writeFile(join(cwd, 'my app.js'), source)
  await writeFile(join(cwd, 'package.json'), '{ "type": "module" }')
})
afterAll(() => home[Symbol.asyncDispose]())

const words = ['export', 'systemd', '--beat', '--name', 'shop', '-A', 'my app.js', '--user', 'root']
const exportTo = (directory: string, ...more: string[]) => cli([...words, '--output', directory, ...more], { cwd })
const units = ['shop-beat.service', 'shop-worker@.service']

describe('export systemd', () => {
  it('shows what it would write, and writes nothing', async () => {
    const before = await readdir(cwd)
    const { stdout, code } = await cli(words, { cwd })
    expect(code).toBe(0)
    for (const unit of units) expect(stdout).toContain(`#### /etc/systemd/system/${unit}\n`)
    expect(stdout).toContain('#### /etc/default/shop\n')
    expect(stdout).toContain('#### /etc/tmpfiles.d/shop.conf\n')
    expect(await readdir(cwd)).toEqual(before)
  })

  it('writes each file where it belongs, passwords for their owner alone, and says what comes next', async () => {
    const { stdout, code } = await exportTo('fresh')
    expect(code).toBe(0)
    expect(stdout).toMatch(/systemctl enable --now shop-worker@1 shop-worker@2 shop-beat\n$/)
    const fresh = join(cwd, 'fresh')
    expect((await readdir(join(fresh, 'systemd/system'))).sort()).toEqual(units)
    expect(statSync(join(fresh, 'default/shop')).mode & 0o777).toBe(0o600)
  })

  it('overwrites nothing unless it is told to, and follows no link then', async () => {
    const settings = join(cwd, 'twice/default/shop')
    await exportTo('twice')
    await writeFile(settings, 'mine')
    const again = await exportTo('twice')
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('error[FILE_EXISTS]: there is already: ') })
    expect(await readFile(settings, 'utf8')).toBe('mine')
    await writeFile(join(cwd, 'elsewhere'), 'mine')
    await symlink(join(cwd, 'elsewhere'), `${settings}.link`)
    await run('mv', [`${settings}.link`, settings])
    expect(await exportTo('twice', '--force')).toMatchObject({ code: 0 })
    expect(await readFile(settings, 'utf8')).toContain('CELERY_BROKER_URL=')
    expect(await readFile(join(cwd, 'elsewhere'), 'utf8')).toBe('mine')
  })

  it.each([
    [['export', 'upstart'], "nothing is exported as 'upstart'; there is systemd"],
    [['export', 'systemd', '--name', '../x'], "'../x' is no name for a unit"],
  ])('refuses %j', async (given, message) => {
    expect(await cli(given, { cwd })).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })

  it('has command lines that run a worker and a beat, and end with the signal of the unit', async () => {
    await exportTo('lines')
    const broker = startCli(['broker', '--json'])
    const port = /"port":(\d+)/.exec(await broker.until(/"port":\d+/))?.[1]
    const env = { CELERY_BROKER_URL: `redis://127.0.0.1:${port}/0`, WORKER_OPTIONS: '-l info', BEAT_OPTIONS: '-l info' }
    for (const [unit, ready] of [
      ['shop-worker@.service', `w7@${hostname()} ready.`],
      ['shop-beat.service', 'beat: Starting...'],
    ] as const) {
      const text = readFileSync(join(cwd, 'lines/systemd/system', unit), 'utf8')
      const line = /^ExecStart=(.*)$/m.exec(text)?.[1] ?? ''
      // What systemd does to it before it runs it.
      const specifiers: Record<string, string> = { '%%': '%', '%i': 'w7', '%H': hostname() }
      const expanded = line
        .replace(/%[%iH]/g, (text) => specifiers[text] ?? '')
        .replace('/var/lib/shop', cwd.replaceAll(' ', '\\ '))
      const program = start('sh', ['-c', `exec ${expanded}`], { cwd, env })
      await program.until(ready)
      expect(await program.stop({ signal: 'SIGTERM' })).toEqual({ code: 0, signal: null })
    }
    await broker.stop()
  })

  describeWith(['systemd'], 'is held against systemd, which', () => {
    const verify = (directory: string) =>
      run(parts().systemd.path, ['verify', ...units.map((unit) => join(directory, 'systemd/system', unit))])

    it('has nothing to say about the units', async () => {
      await exportTo('units')
      expect(await verify(join(cwd, 'units'))).toMatchObject({ code: 0, stdout: '', stderr: '' })
    })

    it('would say what is wrong with them', async () => {
      await exportTo('wrong')
      const path = join(cwd, 'wrong/systemd/system', 'shop-worker@.service')
      writeFileSync(path, readFileSync(path, 'utf8').replace('KillMode=mixed', 'KillMode=mixture'))
      expect((await verify(join(cwd, 'wrong'))).stderr).toContain('mixture')
    })

    it.runIf(process.geteuid?.() === 0)('makes the directories', async () => {
      await exportTo('directories')
      const root = join(home.path, 'root')
      await mkdir(root)
      const conf = join(cwd, 'directories/tmpfiles.d/shop.conf')
      const { stderr } = await run('systemd-tmpfiles', ['--create', `--root=${root}`, conf])
      expect(stderr).toBe('')
      expect(statSync(join(root, 'run/shop')).mode & 0o777).toBe(0o755)
      expect(statSync(join(root, 'var/log/shop')).mode & 0o777).toBe(0o750)
    })
  })
})
