import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { command } from '../../../cli/commands/config.ts'
import type { Context } from '../../../cli/context.ts'
import { createPaint } from '../../../cli/output/paint.ts'
import { parse } from '../../../cli/program.ts'

const files = {
  'compose.yaml': `name: shop
services:
  redis: { image: "redis:8", environment: { PASSWORD: hunter2 }, volumes: ["data:/data"] }
  worker: { image: worker, environment: { URL: "redis://:hunter2@redis:6379" }, depends_on: [redis], networks: [back] }
  debug: { image: "debug:1", profiles: [debug] }
networks: { back: }
volumes: { data: , unused: }
`,
  'more.yaml': 'services: { worker: { image: "worker:$TAG" } }\n',
  'tag.env': 'TAG=from-env-file\n',
}

let directory = ''

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cli-config-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text)
})

afterEach(() => rmSync(directory, { recursive: true }))

/** What the command prints, and what it says beside. */
async function config(
  words: string[],
  { isTTY = false, mode = 'plain' }: { isTTY?: boolean; mode?: Context['mode'] } = {},
): Promise<{ out: string; err: string }> {
  const invocation = await parse(['config', ...words])
  let err = ''
  const context = {
    cwd: directory,
    env: {},
    mode,
    paint: createPaint(false),
    stdout: { isTTY },
    stderr: { write: (text: string) => (err += text) },
    signal: new AbortController().signal,
  } as unknown as Context
  const out: string[] = []
  const events = command.run(context, invocation?.options as Parameters<typeof command.run>[1], invocation?.args ?? [])
  for await (const event of events) {
    out.push(mode === 'json' ? JSON.stringify(event) : (command.text(event, context.paint) ?? ''))
  }
  return { out: out.join('\n'), err }
}

describe('config', () => {
  it('prints the whole as YAML that says the same again, and as JSON', async () => {
    const { out } = await config([])
    expect(parseYaml(out)).toMatchObject({ name: 'shop', services: { worker: { networks: { back: null } } } })
    expect(out).not.toContain('unused')
    writeFileSync(join(directory, 'compose.yaml'), out)
    expect((await config([])).out).toBe(out)
    expect(JSON.parse((await config(['--format', 'json'])).out).services.redis.image).toBe('redis:8')
  })

  it('shows passwords to files and pipes, and on a terminal only to those who ask', async () => {
    expect((await config([])).out).toContain('redis://:hunter2@redis')
    expect((await config([], { isTTY: true })).out).not.toContain('hunter2')
    expect((await config(['--format', 'json'], { isTTY: true })).out).not.toContain('hunter2')
    expect((await config(['--show-secrets'], { isTTY: true })).out).toContain('hunter2')
  })

  it.each([
    [['--services'], 'redis\nworker'],
    [['--services', '--profile', 'debug'], 'debug\nredis\nworker'],
    [['--networks'], 'back\ndefault'],
    [['--volumes'], 'data'],
    [['--volumes', 'worker'], 'data'],
    [['--images'], 'redis:8\nworker'],
    [['--profiles'], 'debug'],
    [['--services', 'redis'], 'redis'],
    [['--networks', 'redis'], 'default'],
    [
      ['--images', '--file', 'compose.yaml,more.yaml', '--env-file', 'tag.env', 'worker'],
      'redis:8\nworker:from-env-file',
    ],
    [['--quiet'], ''],
  ])('%j prints %j', async (words, expected) => {
    expect((await config(words)).out).toBe(expected)
  })

  it("prints each service's hash", async () => {
    expect((await config(['--hash'])).out).toMatch(/^redis [0-9a-f]{64}\nworker [0-9a-f]{64}$/)
  })

  it('says beside it what is allowed and will be regretted; in JSON as an event', async () => {
    const { out, err } = await config(['--quiet'])
    expect(out).toBe('')
    expect(err).toContain('services.worker.image: worker is another image tomorrow')
    const { out: json } = await config([], { mode: 'json' })
    const [warning, whole] = json.split('\n').map((line) => JSON.parse(line))
    expect(warning).toMatchObject({ type: 'warning' })
    expect(whole).toMatchObject({ type: 'config', config: { name: 'shop' } })
  })

  it('fails with every mistake', async () => {
    writeFileSync(join(directory, 'compose.yaml'), 'services: { a: { imag: x }, b: { image: x, tty: maybe } }\n')
    await expect(config([])).rejects.toMatchObject({ code: 'COMPOSE_FILE_INVALID', details: { length: 3 } })
    await expect(config(['--file', 'more.yaml', 'nobody'])).rejects.toMatchObject({ code: 'SERVICE_UNKNOWN' })
  })

  it('says what up would do now, and why, and does nothing', async () => {
    const { out } = await config(['--diff', '--engine', 'embedded'])
    expect(out).toContain('create shop-redis-1 (missing)')
    expect((await config(['--diff', '--engine', 'embedded'])).out).toBe(out)
  })
})
