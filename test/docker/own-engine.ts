import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parts } from '../support/parts.ts'
import { answer, type Program, run, start } from '../support/process.ts'
import { until } from '../support/wait.ts'

/** An engine that a test may stop: without networks, with one image, of which nothing is left. */
export class OwnEngine implements AsyncDisposable {
  readonly #directory: string
  #daemon: Program

  static async start(image: string): Promise<OwnEngine> {
    const engine = new OwnEngine(await mkdtemp(join(tmpdir(), 'celery-sandbox-test-engine-')))
    await engine.#answers()
    const env = { FROM: parts().docker.host, TO: engine.host, IMAGE: image }
    const copied = await run('sh', ['-c', 'docker -H "$FROM" save "$IMAGE" | docker -H "$TO" load'], {
      env,
      timeoutMs: 90_000,
    })
    if (copied.code !== 0) throw new Error(`the image could not be copied: ${copied.stderr}`)
    return engine
  }

  private constructor(directory: string) {
    this.#directory = directory
    this.#daemon = this.#run()
  }

  get host(): string {
    return `unix://${this.#directory}/docker.sock`
  }

  /** Stops the engine, and its containers with it. */
  async stop(): Promise<void> {
    await this.#daemon.stop({ timeoutMs: 30_000 })
  }

  /** Starts it again, and those of its containers that shall always run. */
  async startAgain(): Promise<void> {
    this.#daemon = this.#run()
    await this.#answers()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const containers = await answer('docker', ['-H', this.host, 'ps', '--all', '--quiet'])
    if (containers) await run('docker', ['-H', this.host, 'rm', '--force', ...containers.split('\n')])
    await this.stop()
    await rm(this.#directory, { recursive: true, force: true })
  }

  #run(): Program {
    const at = this.#directory
    const paths = [
      '--data-root',
      `${at}/data`,
      '--exec-root',
      `${at}/run`,
      '--pidfile',
      `${at}/pid`,
      '--host',
      this.host,
    ]
    // With a network of its own: an engine without a bridge takes that of the machine's other engine away.
    const options = [...paths, '--bridge', 'none', '--iptables=false']
    return start('unshare', ['--net', 'dockerd', ...options], { whenOrphaned: 'TERM' })
  }

  async #answers(): Promise<void> {
    const version = () => answer('docker', ['-H', this.host, 'version'])
    await until(version, { timeoutMs: 30_000, describe: () => `the engine to answer:\n${this.#daemon.output}` })
  }
}
