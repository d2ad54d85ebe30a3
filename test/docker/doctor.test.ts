import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeArchive } from '../../cli/doctor/archive.ts'
import { collectBundle, examine } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'
import { Sandbox } from './docker.ts'

failOnLeaks()

let sandbox: Sandbox

beforeEach(() => {
  sandbox = new Sandbox()
})

afterEach(() => sandbox.remove())

const options = () => ({ directory: sandbox.directory, env: sandbox.env, commands: { broker: [], bin: [] } })

const planted = {
  dotEnv: 'in-dot-env-4711',
  quoted: 'quoted "in" $dot-env',
  address: 'in-an-address-4712',
  escaped: 'escaped/in:address@4713',
  named: 'by-its-name-4714',
  command: 'on-a-command-line-4715',
  logged: 'only-in-a-log-4716',
  file: 'in-a-file-4717',
  content: 'in-the-compose-file-4718',
}

describeWith(['docker', 'images', 'compose'], 'the doctor on Docker', () => {
  it('tells what the engine is, and that the stack is up', async () => {
    sandbox.write('services: { redis: { image: $REDIS, ports: ["127.0.0.1:0:6379"] } }')
    await sandbox.up()
    const { findings, works, facts } = await examine(options())
    expect(works).toEqual({ docker: true, embedded: true })
    expect(facts.engine).toMatchObject({ product: 'Docker', isRootless: false })
    expect(facts.compose?.version).toMatch(/^2\.40/)
    const texts = findings.map(({ text }) => text)
    expect(texts).toContain(
      `DOCKER_HOST: ${parts().docker.host} answers with API ${facts.engine?.apiVersion}; it is used`,
    )
    expect(texts).toContain('1 container running on the Docker engine')
    expect(texts).toContain('1 image there')
  })

  it('asks the addresses of the workers', async () => {
    sandbox.write(`
services:
  redis: { image: $REDIS, ports: ["127.0.0.1:0:6379"] }
  worker:
    image: $REDIS
    labels: { dev.celery-sandbox.role: worker }
    environment:
      CELERY_BROKER_URL: redis://:${planted.address}@redis:6379/0
      CELERY_RESULT_BACKEND: redis://127.0.0.1:1/0
`)
    await sandbox.up()
    const { addresses } = (await examine(options())).facts.project ?? {}
    expect(addresses).toEqual([
      {
        variable: 'CELERY_BROKER_URL',
        address: expect.stringMatching(/^redis:\/\/127.0.0.1:\d+$/),
        problem: undefined,
      },
      { variable: 'CELERY_RESULT_BACKEND', address: 'redis://127.0.0.1:1', problem: 'ECONNREFUSED' },
    ])
  })

  it('gives a bundle in whose bytes no secret is', async () => {
    const { dotEnv, quoted, address, escaped, named, command, logged } = planted
    const script = `echo "$DB_PASSWORD $URL ${dotEnv} $FROM_DOTENV $(cat /run/secrets/key) $(cat /settings)"; echo password=${logged}; trap 'exit 0' TERM; while :; do sleep 0.05; done`
    writeFileSync(join(sandbox.directory, 'key.txt'), `${planted.file}\n`)
    writeFileSync(join(sandbox.directory, '.env'), `FROM_DOTENV=${dotEnv}\nQUOTED='${quoted}'\n`)
    sandbox.write(`
services:
  app:
    image: $REDIS
    entrypoint: ["sh", "-c", ${JSON.stringify(script.replaceAll('$', '$$$$'))}, "sh", "--requirepass", "${command}"]
    environment:
      DB_PASSWORD: ${named}
      FROM_DOTENV: $FROM_DOTENV
      PLAIN: $QUOTED
      URL: "redis://:${address}@redis:6379/0"
      OTHER: "amqp://me:${encodeURIComponent(escaped)}@rabbitmq//"
    secrets: [key]
    configs: [settings]
secrets: { key: { file: key.txt } }
configs: { settings: { content: ${planted.content} } }
`)
    await sandbox.up()
    const path = join(sandbox.directory, 'bundle.tar.gz')
    await writeArchive(await collectBundle(await examine(options()), options()), path)
    const bytes = gunzipSync(readFileSync(path))
    for (const [name, secret] of Object.entries(planted)) {
      for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]) {
        expect([name, bytes.includes(form)]).toEqual([name, false])
      }
    }
    const unpacked = join(sandbox.directory, 'unpacked')
    mkdirSync(unpacked)
    const list = await run('tar', ['--extract', '--verbose', '--gzip', '--file', path, '--directory', unpacked])
    const names = list.stdout
      .trim()
      .split('\n')
      .map((name) => name.replace('celery-sandbox-doctor/', ''))
    const container = `${sandbox.name}-app-1`
    expect(names.sort()).toEqual(
      [
        'config.json',
        'doctor.json',
        `inspect/${container}.json`,
        `logs/${container}.log`,
        'ps.json',
        'versions.json',
      ].sort(),
    )
    const log = readFileSync(join(unpacked, 'celery-sandbox-doctor', 'logs', `${container}.log`), 'utf8')
    expect(log).toContain('** redis://:**@redis:6379/0 ** ** ** **')
    expect(log).toContain('password=**')
  })
})
