import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseEngine } from '../../compose/engine/choose.ts'
import type { Engine } from '../../compose/engine/engine.ts'
import { type OpenStackOptions, openStack, type Stack, type StackEvent } from '../../compose/index.ts'
import { parts } from '../support/parts.ts'
import { run } from '../support/process.ts'

const noCommands = { broker: [], bin: [] }

/** The engine the tests run on. */
export async function docker(): Promise<Engine> {
  const env = { DOCKER_HOST: parts().docker.host }
  return (await chooseEngine({ wanted: 'docker', env, directory: '/', commands: noCommands })).engine
}

/** Removes everything with the label of a project. */
export async function cleanUp(project: string): Promise<void> {
  const engine = await docker()
  const containers = await engine.containers(project)
  await Promise.all(containers.map(({ id }) => engine.remove(id, { volumes: true })))
  const { networks, volumes } = await engine.resources(project)
  await Promise.all(networks.map(({ id }) => engine.removeNetwork(id)))
  await Promise.all(volumes.map(({ name }) => engine.removeVolume(name)))
}

/** A project of its own: a directory with a compose file, a name nobody else has, and what is done with it. */
export class Sandbox {
  readonly name = `sandbox-${Math.random().toString(36).slice(2, 10)}`
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'compose-sandbox-')))
  /** As a user with Docker Compose has it. */
  readonly env: Record<string, string>

  constructor() {
    const plugins = join(this.directory, '.docker', 'cli-plugins')
    mkdirSync(plugins, { recursive: true })
    symlinkSync(parts().compose.current, join(plugins, 'docker-compose'))
    this.env = {
      PATH: process.env.PATH ?? '',
      HOME: this.directory,
      DOCKER_HOST: parts().docker.host,
      DOCKER_CONFIG: join(this.directory, '.docker'),
      REDIS: parts().images.REDIS_IMAGE,
      NODE: parts().images.NODE_IMAGE,
    }
  }

  write(text: string): void {
    writeFileSync(join(this.directory, 'compose.yaml'), `name: ${this.name}\n${text}`)
  }

  open(options: Partial<OpenStackOptions> = {}): Promise<Stack> {
    return openStack({ directory: this.directory, env: this.env, engine: 'docker', commands: noCommands, ...options })
  }

  /** Everything that happened. */
  async up(options: Parameters<Stack['up']>[0] = {}, open: Partial<OpenStackOptions> = {}): Promise<StackEvent[]> {
    return collect((await this.open(open)).up(options))
  }

  async down(options: Parameters<Stack['down']>[0] = {}): Promise<StackEvent[]> {
    return collect((await this.open()).down(options))
  }

  /** Docker's own Compose on this project; throws when it fails. */
  async compose(...args: string[]): Promise<string> {
    return this.#run(parts().compose.current, args)
  }

  async docker(...args: string[]): Promise<string> {
    return this.#run('docker', args)
  }

  /** Ids of containers, by name. */
  async ids(): Promise<Record<string, string>> {
    const containers = await (await docker()).containers(this.name)
    return Object.fromEntries(containers.map(({ name, id }) => [name.replace(`${this.name}-`, ''), id]))
  }

  async remains(): Promise<string[]> {
    const engine = await docker()
    const { networks, volumes } = await engine.resources(this.name)
    return [...(await engine.containers(this.name)), ...networks, ...volumes].map(({ name }) => name)
  }

  async remove(): Promise<void> {
    await cleanUp(this.name)
    rmSync(this.directory, { recursive: true, force: true })
  }

  async #run(program: string, args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(program, args, { cwd: this.directory, env: this.env })
    if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`)
    return stdout + stderr
  }
}

export async function collect(events: AsyncIterable<StackEvent>): Promise<StackEvent[]> {
  const all: StackEvent[] = []
  for await (const event of events) all.push(event)
  return all
}

export function operationsIn(events: readonly StackEvent[]): readonly string[] {
  return events.flatMap((event) => (event.type === 'plan' ? event.operations : []))
}

export function stepsIn(events: readonly StackEvent[], container: string): string[] {
  return events.flatMap((event) => (event.type === 'step' && event.container === container ? [event.step] : []))
}
