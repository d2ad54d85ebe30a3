import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { StackEvent } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { until } from '../support/wait.ts'
import { Sandbox } from './docker.ts'

failOnLeaks()

describeWith(['docker', 'images', 'compose'], 'watching files', () => {
  let sandbox: Sandbox
  const over = new AbortController()

  beforeEach(() => {
    sandbox = new Sandbox()
    mkdirSync(join(sandbox.directory, 'src'))
    save('one')
    writeFileSync(join(sandbox.directory, 'Dockerfile'), `FROM ${sandbox.env.NODE}\nCOPY src /src\n`)
    const loop = `["sh", "-c", "trap 'exit 0' TERM; cat /src/text; while :; do sleep 0.05; done"]`
    sandbox.write(`services:
  mounted:
    image: $NODE
    command: ${loop}
    volumes: ["./src:/src:ro"]
    develop: { watch: [{ path: ./src, action: restart }] }
  copied:
    image: $NODE
    command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.05; done"]
    develop: { watch: [{ path: ./src, action: sync, target: /srv/src }] }
  built:
    build: .
    command: ${loop}
    develop: { watch: [{ path: ./src, action: rebuild }] }
`)
  })

  afterEach(() => sandbox.remove())

  const save = (text: string) => writeFileSync(join(sandbox.directory, 'src', 'text'), `${text}\n`)
  const logs = (name: string) => sandbox.docker('logs', `${sandbox.name}-${name}-1`)

  it('restarts, copies and builds as the file says, and removes what was removed', async () => {
    await sandbox.up()
    const before = await sandbox.ids()
    const stack = await sandbox.open()
    const events: StackEvent[] = []
    const watching = (async () => {
      for await (const event of stack.watch({ signal: over.signal })) events.push(event)
    })()
    await until(() => events.some(({ type }) => type === 'watching'), { describe: 'the watch to begin' })
    save('two')
    const has = async (name: string) => (await logs(name)).includes('two')
    await until(async () => (await has('mounted')) && (await has('built')), {
      describe: 'both to begin with the new text',
      timeoutMs: 60_000,
    })
    const read = () => sandbox.docker('exec', `${sandbox.name}-copied-1`, 'cat', '/srv/src/text')
    expect(await read()).toBe('two\n')
    const after = await sandbox.ids()
    expect([after['mounted-1'], after['copied-1']]).toEqual([before['mounted-1'], before['copied-1']])
    expect(after['built-1']).not.toBe(before['built-1'])
    rmSync(join(sandbox.directory, 'src', 'text'))
    await until(
      () =>
        read().then(
          () => false,
          () => true,
        ),
      { describe: 'the copy to go' },
    )
    over.abort()
    await watching
    await stack.close()
    await sandbox.docker('rmi', '--force', `${sandbox.name}-built`)
  })
})
