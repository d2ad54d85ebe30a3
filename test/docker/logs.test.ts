import { afterEach, beforeEach, expect, it } from 'vitest'
import type { LogLine, LogsOptions, OpenStackOptions } from '../../compose/index.ts'
import { failOnLeaks } from '../support/leaks.ts'
import { describeWith } from '../support/parts.ts'
import { collect, Sandbox } from './docker.ts'
import { OwnEngine } from './own-engine.ts'

failOnLeaks()

describeWith(['docker', 'images', 'compose'], 'the logs of a stack on Docker', () => {
  let sandbox: Sandbox

  beforeEach(() => {
    sandbox = new Sandbox()
  })

  afterEach(() => sandbox.remove())

  const app = (script: string, more = '') =>
    sandbox.write(
      `services: { app: { image: "$NODE", command: [sh, -c, ${JSON.stringify(script.replaceAll('$', '$$$$'))}], stop_grace_period: 1s${more} } }`,
    )

  const read = async (options: LogsOptions = {}, open: Partial<OpenStackOptions> = {}): Promise<LogLine[]> => {
    const lines: LogLine[] = []
    for await (const line of (await sandbox.open(open)).logs(options)) lines.push(line)
    return lines
  }
  const written = (lines: readonly LogLine[]) =>
    lines.filter(({ stream }) => stream !== 'notice').map(({ text }) => text)

  /** A reader of what comes. */
  const following = async (options: LogsOptions = {}, open: Partial<OpenStackOptions> = {}) => {
    const stop = new AbortController()
    const stack = await sandbox.open(open)
    const lines = stack.logs({ follow: true, signal: stop.signal, ...options })[Symbol.asyncIterator]()
    return {
      async until(isLast: (line: LogLine) => boolean): Promise<LogLine[]> {
        const all: LogLine[] = []
        for (let next = await lines.next(); !next.done; next = await lines.next()) {
          all.push(next.value)
          if (isLast(next.value)) return all
        }
        throw new Error('the log ended')
      },
      stop: () => stop.abort(),
    }
  }

  it('are followed through many restarts, whoever causes them, whole and in order', async () => {
    // A counter that survives the runs; each run writes in bursts until it is killed, or dies by itself.
    app(
      'cd /tmp; n=$(cat n 2>/dev/null || echo 0); runs=0; while :; do n=$((n+1)); echo $n > n.new; mv n.new n; echo "line $n"; echo "also $n" >&2; [ $((n % 400)) -eq 0 ] && exit 7; done',
      ', restart: always',
    )
    await sandbox.up()
    const log = await following()
    const seen: LogLine[] = []
    for (let round = 0; round < 5; round++) {
      seen.push(...(await log.until(({ stream, text }) => stream === 'notice' && text === 'exited with code 7')))
      await sandbox.docker('restart', '--time', '0', `${sandbox.name}-app-1`)
    }
    await sandbox.docker('stop', '--time', '0', `${sandbox.name}-app-1`)
    seen.push(...(await log.until(({ stream, text }) => stream === 'notice' && text === 'exited with code 137')))
    await sandbox.docker('start', `${sandbox.name}-app-1`)
    seen.push(...(await log.until(({ stream }) => stream === 'notice')))
    log.stop()
    await sandbox.docker('stop', '--time', '0', `${sandbox.name}-app-1`)
    for (const stream of ['stdout', 'stderr']) {
      const texts = seen.filter((line) => line.stream === stream).map(({ text }) => text)
      const whole = (await read()).filter((line) => line.stream === stream).map(({ text }) => text)
      expect(texts).toEqual(whole.slice(0, texts.length))
      expect(texts.length).toBeGreaterThan(1000)
    }
  })

  it.runIf(process.getuid?.() === 0)(
    'are followed through restarts of the engine itself, whole and in order',
    async () => {
      await using own = await OwnEngine.start('celery-sandbox-test/debian')
      const env = { ...sandbox.env, DOCKER_HOST: own.host }
      const script =
        'cd /root; n=$$(cat n 2>/dev/null || echo 0); while :; do n=$$((n+1)); echo $$n > n.new; mv n.new n; echo line $$n; sleep 0.01; done'
      sandbox.write(`services:
      app: { image: celery-sandbox-test/debian, command: [sh, -c, "${script}"], network_mode: none, restart: always, stop_grace_period: 0s }`)
      await sandbox.up({}, { env })
      const log = await following({}, { env })
      const seen: LogLine[] = []
      for (let round = 0; round < 2; round++) {
        seen.push(...(await log.until(({ text }) => text.endsWith('0'))))
        await own.stop()
        seen.push(...(await log.until(({ text }) => text.includes('waiting for it to come back'))))
        await own.startAgain()
        seen.push(...(await log.until(({ text }) => text === 'the engine is back')))
      }
      seen.push(...(await log.until(({ text }) => text.endsWith('0'))))
      log.stop()
      const numbers = written(seen).map((text) => Number(text.replace('line ', '')))
      const whole = written(await read({}, { env })).map((text) => Number(text.replace('line ', '')))
      expect(numbers).toEqual(whole.slice(0, numbers.length))
      expect(numbers.length).toBeGreaterThan(20)
      await collect((await sandbox.open({ env })).down())
    },
  )

  it('go on with the container that takes the place of another', async () => {
    const services = (word: string) => app(`echo ${word}; exec sleep 1000`)
    services('one')
    await sandbox.up()
    const log = await following()
    await log.until(({ text }) => text === 'one')
    services('two')
    await sandbox.up()
    const more = await log.until(({ text }) => text === 'two')
    expect(more.map(({ container }) => container)).toEqual(more.map(() => `${sandbox.name}-app-1`))
    log.stop()
  })

  it('wait for a service that has not begun', async () => {
    app('echo hello; exec sleep 1000')
    const log = await following({ services: ['app'] })
    await log.until(({ text }) => text === 'waiting for app to begin')
    await sandbox.up()
    await log.until(({ text }) => text === 'hello')
    log.stop()
  })

  it('of a terminal come line by line, and long lines in one', async () => {
    const script = 'head -c 40000 /dev/zero | tr "\\\\0" x; echo; echo end'
    app(script, ', tty: true')
    await sandbox.up()
    expect((await read()).map(({ text }) => text)).toEqual(['x'.repeat(40_000), 'end'])
    await sandbox.down()
    app(script)
    await sandbox.up()
    expect((await read()).map(({ text }) => text)).toEqual(['x'.repeat(40_000), 'end'])
  })

  it('keep last words that had no end apart from the first of the next run', async () => {
    app('printf "no end"; exit 0')
    await sandbox.up()
    await sandbox.docker('start', '--attach', `${sandbox.name}-app-1`)
    expect(written(await read())).toEqual(['no end', 'no end'])
  })

  it('that nobody keeps are told so, and those of the others shown', async () => {
    sandbox.write(`services:
      silent: { image: "$NODE", command: [sh, -c, "echo unheard; exec sleep 1000"], logging: { driver: none }, stop_grace_period: 0s }
      app: { image: "$NODE", command: [sh, -c, "echo hello; exec sleep 1000"], stop_grace_period: 0s }`)
    await sandbox.up()
    const lines = (await read()).map(({ container, text }) => `${container} ${text}`)
    expect(lines).toContain(`${sandbox.name}-app-1 hello`)
    expect(lines.find((line) => line.startsWith(`${sandbox.name}-silent-1`))).toContain('does not support reading')
  })

  it('can be cut to a span of time, to the nanosecond', async () => {
    app('for i in 1 2 3 4 5; do echo $i; sleep 0.05; done')
    await sandbox.up()
    const log = await following()
    await log.until(({ text }) => text === '5')
    log.stop()
    const all = await read()
    const [since, until] = [all[1]?.time, all[3]?.time]
    expect(written(await read({ since, until }))).toEqual(['2', '3', '4'])
    expect(written(await read({ since, until, follow: true }))).toEqual(['2', '3', '4'])
    expect(written(await read({ tail: 1 }))).toEqual(['5'])
  })

  it('come whole and in order in a burst, however slow the reader is, in bounded memory', async () => {
    const count = 300_000
    app(
      `seq -f "line %.0f of a burst of lines that are about one hundred bytes long, as lines often are ........" ${count}; exec sleep 1000`,
    )
    await sandbox.up()
    const stack = await sandbox.open()
    const stop = new AbortController()
    let expected = 1
    let peak = 0
    const before = process.memoryUsage().heapUsed
    for await (const { text } of stack.logs({ follow: true, signal: stop.signal })) {
      if (!text.startsWith(`line ${expected} of`)) throw new Error(`line ${expected} is not ${text}`)
      // A reader who now and then has something else to do.
      if (expected % 10_000 === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20))
        peak = Math.max(peak, process.memoryUsage().heapUsed - before)
      }
      if (expected++ === count) stop.abort()
    }
    expect(expected).toBe(count + 1)
    expect(peak).toBeLessThan(100 * 1024 * 1024)
  }, 120_000)
})
