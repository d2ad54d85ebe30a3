import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { StackError, type StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith, parts } from '../support/parts.ts'
import { run } from '../support/process.ts'
import { collect, operationsIn, Sandbox } from './docker.ts'

failOnLeaks()

let sandbox: Sandbox

beforeEach(() => {
  sandbox = new Sandbox()
})

afterEach(async () => {
  await sandbox.remove()
  const env = { DOCKER_HOST: parts().docker.host }
  const labelled = ['images', '--quiet', '--filter', `label=com.docker.compose.project=${sandbox.name}`]
  const ids = (await run('docker', labelled, { env })).stdout.split('\n').filter(Boolean)
  if (ids.length > 0) await run('docker', ['rmi', '--force', ...new Set(ids)], { env })
})

function files(contents: Record<string, string>): void {
  for (const [name, text] of Object.entries(contents)) {
    mkdirSync(dirname(join(sandbox.directory, name)), { recursive: true })
    writeFileSync(join(sandbox.directory, name), text)
  }
}

async function build(options: object = {}): Promise<StackEvent[]> {
  return collect((await sandbox.open()).build(options))
}

async function failureOf(work: Promise<unknown>): Promise<StackError> {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (thrown instanceof StackError) return thrown
  throw new Error(`no StackError: ${thrown}`)
}

const inspect = async (image: string, format: string) =>
  (await sandbox.docker('image', 'inspect', '--format', format, image)).trim()

const base = 'celery-sandbox-test/debian'

/** No step of a build here needs a network. */
const shop = `
services:
  web: { build: { context: ., network: none }, command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"] }
  worker: { build: { context: ., network: none }, command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"] }
`

/** Both builders must do all of this. */
const common = () => {
  it('gives every service its image, by one build for those that are alike', async () => {
    sandbox.write(shop)
    files({ Dockerfile: `FROM ${base}\nCOPY a /a\nRUN cat /a\n`, a: 'hello\n' })
    const events = await build({ noCache: true })
    expect(operationsIn(events)).toEqual([`build ${sandbox.name}-web, ${sandbox.name}-worker (asked for)`])
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'output', image: `${sandbox.name}-web`, text: 'hello' }),
    )
    expect(await inspect(`${sandbox.name}-web`, '{{.Id}}')).toBe(await inspect(`${sandbox.name}-worker`, '{{.Id}}'))
    const labels = JSON.parse(await inspect(`${sandbox.name}-web`, '{{json .Config.Labels}}'))
    expect(labels).toMatchObject({
      'com.docker.compose.project': sandbox.name,
      'com.docker.compose.service': 'web',
    })
  })

  it('takes from its cache what did not change', async () => {
    sandbox.write(shop)
    // Docker's own configuration is in there, to which its plugins write.
    files({
      '.dockerignore': '.docker\n',
      Dockerfile: `FROM ${base}\nCOPY . /app\nRUN date +%N > /when\n`,
      a: 'hello\n',
    })
    await build()
    const before = await inspect(`${sandbox.name}-web`, '{{.Id}}')
    files({ a: 'hello\n' })
    await build()
    expect(await inspect(`${sandbox.name}-web`, '{{.Id}}')).toBe(before)
    await build({ noCache: true })
    expect(await inspect(`${sandbox.name}-web`, '{{.Id}}')).not.toBe(before)
  })

  it('hands over arguments, labels, a target, further tags and a Dockerfile that stands in the file', async () => {
    const text = `FROM ${base} AS first\nARG A\nARG B\nRUN echo "<$A> <$B>"\nFROM first AS last\nRUN false\n`
    const inline = text.trimEnd().split('\n').join('\n        ')
    sandbox.write(`
services:
  app:
    image: ${sandbox.name}-named
    pull_policy: build
    build:
      context: .
      dockerfile_inline: |
        ${inline.replaceAll('$', '$$$$')}
      args: { A: from the file, B: from the file }
      labels: { team: queue }
      target: first
      network: none
      tags: ["${sandbox.name}-second:2"]
`)
    const events = await build({ args: { B: 'from outside' }, noCache: true })
    expect(events).toContainEqual(expect.objectContaining({ type: 'output', text: '<from the file> <from outside>' }))
    expect(await inspect(`${sandbox.name}-second:2`, '{{index .Config.Labels "team"}}')).toBe('queue')
    expect(await inspect(`${sandbox.name}-named`, '{{.Id}}')).toBe(await inspect(`${sandbox.name}-second:2`, '{{.Id}}'))
  })

  it('goes through the proxies of the docker CLI, which no layer keeps', async () => {
    const proxies = { default: { httpProxy: 'http://proxy.example:3128' } }
    writeFileSync(join(sandbox.directory, '.docker', 'config.json'), JSON.stringify({ proxies }))
    sandbox.write(`services: { app: { build: { context: ., network: none } } }`)
    files({ Dockerfile: `FROM ${base}\nRUN echo "<$http_proxy>"\n` })
    const events = await build({ noCache: true })
    expect(events).toContainEqual(expect.objectContaining({ type: 'output', text: '<http://proxy.example:3128>' }))
    expect(await sandbox.docker('history', '--no-trunc', `${sandbox.name}-app`)).not.toContain('proxy.example')
  })

  it('fails with the instruction, its line, what it wrote, and a way out', async () => {
    sandbox.write(shop)
    files({ Dockerfile: `FROM ${base}\n\n# a comment\nRUN echo one && \\\n    echo two && exit 3\n` })
    const failure = await failureOf(build())
    expect(failure.code).toBe('BUILD_FAILED')
    expect(failure.message).toMatch(
      /cannot build \S+-web: Dockerfile:4 RUN echo one && +echo two && exit 3: .*(code: 3|code 3)/,
    )
    expect(failure.details).toEqual(['one', 'two'])
    expect(failure.next).toContain('--verbose')
  })

  it('says what is wrong with a path, and with a line that is no instruction', async () => {
    sandbox.write(shop)
    files({ Dockerfile: `FROM ${base}\nCOPY nowhere /\n` })
    const path = await failureOf(build())
    expect(path.message).toContain('Dockerfile:2 COPY nowhere /')
    expect(path.next).toContain('.dockerignore')
    files({ Dockerfile: `FROM ${base}\nBOGUS x\n` })
    const line = await failureOf(build())
    expect(line.message).toMatch(/parse error.*line 2: unknown instruction: BOGUS/)
    expect(line.next).toContain('Correct this line')
  })

  it('leaves no build running when it is interrupted', async () => {
    sandbox.write(shop)
    files({ Dockerfile: `FROM ${base}\nRUN echo begun && sleep 1000\n` })
    const interruption = new AbortController()
    const stack = await sandbox.open({ signal: interruption.signal })
    const reason = new Error('enough')
    const reading = (async () => {
      for await (const event of stack.build()) if (event.type === 'output') interruption.abort(reason)
    })()
    await expect(reading).rejects.toBe(reason)
  })
}

describeWith(['docker', 'images', 'compose'], 'the builder that every engine has', () => {
  common()

  it('refuses what only BuildKit can do, by the key', async () => {
    sandbox.write(`services: { app: { build: { context: ., ssh: [default] } } }`)
    files({ Dockerfile: `FROM ${base}\n` })
    const failure = await failureOf(build())
    expect([failure.code, failure.message]).toEqual([
      'BUILD_UNSUPPORTED',
      `cannot build ${sandbox.name}-app: build.ssh needs BuildKit`,
    ])
    expect(failure.next).toContain('docker-buildx')
  })

  it('sees the files that docker build sees', async () => {
    sandbox.write(`services: { app: { build: { context: ., network: none } } }`)
    files({
      '.dockerignore': '**/node_modules\n*.log\n!keep.log\ndeep/*/no\n/root.txt\n# comment\n!deep/a/no\nDockerfile\n',
      Dockerfile: `FROM ${base}\nCOPY . /ctx\nRUN cd /ctx && find . | sort && cat link\n`,
      'a/node_modules/x.js': '',
      'x.log': '',
      'keep.log': '',
      'deep/a/no': '',
      'deep/b/no': '',
      'deep/b/yes': '',
      'root.txt': '',
      'sub/root.txt': '',
      target: 'through a link\n',
    })
    symlinkSync('target', join(sandbox.directory, 'link'))
    const events = await build({ noCache: true })
    const ours = events.flatMap((event) => (event.type === 'output' ? [event.text] : []))
    const theirs = await run(
      'docker',
      ['build', '--no-cache', '--network', 'none', '--quiet=false', sandbox.directory],
      {
        env: { ...sandbox.env, DOCKER_BUILDKIT: '0' },
      },
    )
    expect(theirs.code).toBe(0)
    const listed = theirs.stdout.split('\n').filter((line) => line === '.' || /^\.\/|^through/.test(line))
    expect(ours).toEqual(listed)
    const id = /Successfully built (\w+)/.exec(theirs.stdout)?.[1] ?? ''
    await sandbox.docker('rmi', id)
  })

  it('is shared with Compose: neither makes anew what the other made', async () => {
    sandbox.write(shop)
    files({ Dockerfile: `FROM ${base}\nCOPY a /a\n`, a: 'hello\n' })
    expect(operationsIn(await sandbox.up())).toContain(
      `build ${sandbox.name}-web, ${sandbox.name}-worker (not in the local store)`,
    )
    const ours = await sandbox.ids()
    expect(Object.keys(ours).sort()).toEqual(['web-1', 'worker-1'])
    expect(await sandbox.compose('up', '--detach', '--no-color')).not.toMatch(/Recreat|Creat|Built/)
    expect(await sandbox.ids()).toEqual(ours)
    sandbox.env.DOCKER_BUILDKIT = '0'
    await sandbox.compose('up', '--detach', '--build', '--force-recreate')
    expect(operationsIn(await sandbox.up())).toEqual([])
    await sandbox.compose('down', '--rmi', 'local')
    expect((await sandbox.docker('images', '--quiet', `${sandbox.name}-*`)).trim()).toBe('')
  })

  it('makes containers anew when a build changes their image', async () => {
    sandbox.write(shop)
    files({ Dockerfile: `FROM ${base}\nCOPY a /a\n`, a: 'hello\n' })
    await sandbox.up()
    const images = { build: 'always' } as const
    expect(operationsIn(await sandbox.up({ images }))).toEqual([
      `build ${sandbox.name}-web, ${sandbox.name}-worker (asked for)`,
    ])
    files({ a: 'changed\n' })
    expect(operationsIn(await sandbox.up({ images }))).toContain(
      `recreate ${sandbox.name}-web-1 (image ${sandbox.name}-web was updated)`,
    )
    expect(operationsIn(await sandbox.up({ images, dryRun: true }))).toEqual([
      `build ${sandbox.name}-web, ${sandbox.name}-worker (asked for)`,
    ])
  })

  it('lists the images of the containers', async () => {
    sandbox.write(shop)
    files({ Dockerfile: `FROM ${base}\n` })
    await sandbox.up()
    const images = await (await sandbox.open()).images()
    expect(images.map(({ container, repository, tag }) => [container, repository, tag])).toEqual([
      [`${sandbox.name}-web-1`, `${sandbox.name}-web`, 'latest'],
      [`${sandbox.name}-worker-1`, `${sandbox.name}-worker`, 'latest'],
    ])
    const theirs = JSON.parse(await sandbox.compose('images', '--format', 'json')) as Record<string, unknown>[]
    const asTheirs = images.map(({ container, repository, tag, id, size, platform }) => ({
      ContainerName: container,
      Repository: repository,
      Tag: tag,
      ID: id,
      Size: size,
      Platform: platform,
    }))
    const byName = (a: { ContainerName?: unknown }, b: { ContainerName?: unknown }) =>
      String(a.ContainerName) < String(b.ContainerName) ? -1 : 1
    expect(theirs.sort(byName)).toEqual(asTheirs.map((one) => expect.objectContaining(one)))
  })
})

describeWith(['docker', 'images', 'compose', 'buildx'], 'BuildKit, by the buildx plugin', () => {
  beforeEach(() => {
    symlinkSync(parts().buildx.path, join(sandbox.directory, '.docker', 'cli-plugins', 'docker-buildx'))
  })

  common()

  it('builds what only BuildKit can', async () => {
    sandbox.write(`services: { app: { build: { context: ., network: none } } }`)
    files({ Dockerfile: `FROM ${base}\nRUN --mount=type=cache,target=/cache touch /cache/here && ls /cache\n` })
    const events = await build({ noCache: true })
    expect(events).toContainEqual(expect.objectContaining({ type: 'output', text: 'here' }))
  })

  it('hands over secrets that no layer keeps', async () => {
    sandbox.env.FROM_OUTSIDE = 'the second'
    sandbox.write(`
services: { app: { build: { context: ., network: none, secrets: [one, { source: two, target: second }] } } }
secrets: { one: { file: ./one.txt }, two: { environment: FROM_OUTSIDE } }
`)
    const mounts = '--mount=type=secret,id=one --mount=type=secret,id=second'
    files({
      '.dockerignore': '*\n',
      'one.txt': 'the first',
      Dockerfile: `FROM ${base}\nRUN ${mounts} echo "$(cat /run/secrets/one), $(cat /run/secrets/second)"\n`,
    })
    const events = await build({ noCache: true })
    expect(events).toContainEqual(expect.objectContaining({ type: 'output', text: 'the first, the second' }))
  })

  it('says so when the engine is too old for a key', async () => {
    sandbox.write(
      `services: { app: { build: { context: ., additional_contexts: { more: "docker-image://${base}" } } } }`,
    )
    files({ Dockerfile: `FROM ${base}\nCOPY --from=more /etc/hostname /\n` })
    const failure = await failureOf(build())
    expect(failure.message).toContain('unsupported frontend capability')
    expect(failure.next).toContain('too old')
  })
})
